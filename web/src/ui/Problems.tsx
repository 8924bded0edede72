import type { ReactNode } from "react";
import { useCore } from "../i18n/core";
import { useWords, words } from "../i18n/words";
import { Hostile } from "./Hostile";
import "./written.css";

const catalogue = words(
  {
    good: "It may hold as it is.",
    refused: "It cannot hold as it is.",
    line: (l: number, c: number) => `line ${l}, column ${c}`,
  },
  {
    good: "このまま有効にできます。",
    refused: "このままでは有効にできません。",
    line: (l, c) => `${l} 行 ${c} 列`,
  },
);

export interface Wrong {
  line?: number;
  column?: number;
  reason: string;
  hint?: string;
  warning?: boolean;
}

/** Problems say whether a written text may hold, and what is wrong where. */
export function Problems({ list, refused, children }: { list: Wrong[]; refused: boolean; children?: ReactNode }) {
  const w = useWords(catalogue);
  const core = useCore();
  return (
    <div role="status">
      <p className={refused ? "written-bad" : "written-good"}>
        {refused ? w.refused : w.good} <span className="faint">{children}</span>
      </p>
      {list.map((p, i) => (
        <div key={i} className={p.warning ? "notice notice-warn" : "notice notice-bad"}>
          {p.line ? <span className="mono">{w.line(p.line, p.column ?? 1)}</span> : null} <Hostile text={p.reason} />
          {p.hint && (
            <span>
              {" "}
              — {core.query.hint}: <Hostile text={p.hint} />
            </span>
          )}
        </div>
      ))}
    </div>
  );
}
