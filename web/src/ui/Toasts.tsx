import { Button, CloseButton } from "@mantine/core";
import { useKeys } from "../app/keys";
import { dismiss, holdMs, undoLast, useToasts } from "../app/undo";
import { useCore } from "../i18n/core";
import { Icon } from "./Icon";

/** Toasts are the lines at the foot of the page: what is held and can be undone, what was said. */
export function Toasts() {
  const w = useCore();
  const toasts = useToasts();
  useKeys(
    [{ keys: "mod+z", label: w.do.undo, group: w.keys.page, run: () => undoLast() }],
    toasts.some((t) => t.kind === "held"),
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((t) => (
        <div key={t.id} className={`toast toast-${t.kind}`}>
          {t.kind === "said" && <Icon name="check" />}
          {t.kind === "error" && <Icon name="issue" />}
          <span className="grow">
            {t.label}
            {t.detail && <span className="toast-detail">{t.detail}</span>}
          </span>
          {t.undo && (
            <Button variant="subtle" onClick={t.undo} leftSection={<Icon name="undo" size={14} />}>
              {w.do.undo}
            </Button>
          )}
          {t.kind !== "held" && <CloseButton size="sm" aria-label={w.do.close} onClick={() => dismiss(t.id)} />}
          {t.kind === "held" && <span className="toast-bar" style={{ animationDuration: `${holdMs}ms` }} />}
        </div>
      ))}
    </div>
  );
}
