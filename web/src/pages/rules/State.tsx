import type { Rule } from "../../api/types";
import { useWords } from "../../i18n/words";
import { w as catalogue } from "./words";

/** State says whether a rule judges, by word and shape. */
export function State({ state }: { state: Rule["state"] }) {
  const w = useWords(catalogue);
  return (
    <span className={`rule-state rule-${state}`} title={w.stateDoc[state]}>
      <svg
        width="10"
        height="10"
        viewBox="0 0 12 12"
        aria-hidden="true"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
      >
        {state === "on" && <circle cx="6" cy="6" r="4.4" fill="currentColor" stroke="none" />}
        {state === "off" && <circle cx="6" cy="6" r="4.2" />}
        {state === "waiting" && <path d="M6 1.6A4.4 4.4 0 0 1 6 10.4zM6 1.6a4.4 4.4 0 0 0 0 8.8" />}
        {state === "refused" && <path d="M2 2l8 8M10 2l-8 8" />}
      </svg>
      {w.state[state]}
    </span>
  );
}
