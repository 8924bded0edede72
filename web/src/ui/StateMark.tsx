import { useWords, words } from "../i18n/words";
import "./statemark.css";

export type MarkState = "ok" | "late" | "silent" | "failing" | "waiting" | "dead" | "delivered" | "off";

const catalogue = words(
  {
    ok: "Works",
    late: "Late",
    silent: "Silent",
    failing: "Fails",
    waiting: "Waits",
    dead: "Dead",
    delivered: "Delivered",
    off: "Off",
  },
  {
    ok: "正常",
    late: "遅延",
    silent: "沈黙",
    failing: "異常",
    waiting: "待機",
    dead: "不達",
    delivered: "配信済み",
    off: "無効",
  },
);

/** StateMark says how a source, sink or notice does: colour, shape and word. */
export function StateMark({ state, word }: { state: MarkState; word?: string }) {
  const w = useWords(catalogue);
  return (
    <span className={`mark mark-${state}`}>
      <span className="mark-dot" aria-hidden="true" />
      {word ?? w[state] ?? state}
    </span>
  );
}
