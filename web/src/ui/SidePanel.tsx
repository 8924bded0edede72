import { ActionIcon, Tooltip } from "@mantine/core";
import { type PointerEvent, type ReactNode, useRef, useState } from "react";
import { useKeys } from "../app/keys";
import { Link } from "../app/Link";
import { useCore } from "../i18n/core";
import { Icon } from "./Icon";

const KEY = "yagura.panel";

function kept(): number {
  try {
    return Number(localStorage.getItem(KEY)) || 620;
  } catch {
    return 620;
  }
}

/** SidePanel shows one thing of a list beside it; Escape closes it, its edge is drawn. */
export function SidePanel({
  label,
  href,
  close,
  children,
  actions,
}: {
  label: string;
  href?: string;
  close: () => void;
  children: ReactNode;
  actions?: ReactNode;
}) {
  const w = useCore();
  const [width, setWidth] = useState(kept);
  const drag = useRef<{ x: number; width: number } | null>(null);
  useKeys([{ keys: "Escape", label: w.keys.leave, group: w.keys.page, run: close }]);
  const set = (n: number) => {
    const v = Math.round(Math.min(Math.max(n, 380), window.innerWidth - 420));
    setWidth(v);
    try {
      localStorage.setItem(KEY, String(v));
    } catch {
      // it is as wide as usual next time
    }
  };
  const move = (e: PointerEvent) => {
    if (drag.current) set(drag.current.width + drag.current.x - e.clientX);
  };
  return (
    <aside className="panel" aria-label={label} style={{ width }}>
      <div
        className="panel-edge"
        role="separator"
        aria-orientation="vertical"
        aria-label={label}
        aria-valuenow={width}
        aria-valuemin={380}
        aria-valuemax={1600}
        tabIndex={0}
        onPointerDown={(e) => {
          drag.current = { x: e.clientX, width };
          e.currentTarget.setPointerCapture(e.pointerId);
        }}
        onPointerMove={move}
        onPointerUp={() => {
          drag.current = null;
        }}
        onKeyDown={(e) => {
          if (e.key === "ArrowLeft") set(width + 40);
          if (e.key === "ArrowRight") set(width - 40);
        }}
      />
      <div className="panel-bar">
        {actions}
        <span className="grow" />
        {href && (
          <Tooltip label={`${w.do.openPage} (o)`}>
            <ActionIcon component={Link} href={href} aria-label={w.do.openPage}>
              <Icon name="page" />
            </ActionIcon>
          </Tooltip>
        )}
        <Tooltip label={`${w.do.close} (Esc)`}>
          <ActionIcon onClick={close} aria-label={w.do.close}>
            <Icon name="close" />
          </ActionIcon>
        </Tooltip>
      </div>
      <div className="panel-body">{children}</div>
    </aside>
  );
}
