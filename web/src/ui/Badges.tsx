import type { Severity, Status } from "../api/types";
import { useCore } from "../i18n/core";

const shapes: Record<Severity, string> = {
  critical: "M6 .5 11.5 6 6 11.5 .5 6z", // a diamond
  high: "M6 1 11.5 11H.5z", // a triangle
  medium: "M1.5 1.5h9v9h-9z", // a square
  low: "M6 1.2a4.8 4.8 0 1 0 0 9.6A4.8 4.8 0 1 0 6 1.2z", // a disc
  none: "M6 2a4 4 0 1 0 0 8A4 4 0 1 0 6 2z", // a ring
};

/** SeverityShape is the shape alone, for places where the word stands near. */
export function SeverityShape({ level, size = 10 }: { level: Severity; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 12 12" aria-hidden="true" className={`sev-${level}`}>
      <path
        d={shapes[level]}
        fill={level === "none" ? "none" : "currentColor"}
        stroke="currentColor"
        strokeWidth={level === "none" ? 1.6 : 0}
      />
    </svg>
  );
}

/** SeverityBadge says a severity by colour, word and shape. */
export function SeverityBadge({ level }: { level: Severity }) {
  const w = useCore();
  return (
    <span className={`sev sev-${level}`}>
      <SeverityShape level={level} />
      {w.severity[level]}
    </span>
  );
}

/** StatusBadge says where an issue stands; an open issue after its first episode is re-opened. */
export function StatusBadge({ status, episode = 1 }: { status: Status; episode?: number }) {
  const w = useCore();
  const reopened = status === "open" && episode > 1;
  return (
    <span className={`status status-${status}`}>
      <svg
        width="12"
        height="12"
        viewBox="0 0 12 12"
        aria-hidden="true"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
      >
        <circle cx="6" cy="6" r="4.7" strokeDasharray={status === "open" ? "2.2 1.5" : undefined} />
        {status === "acknowledged" && <path d="M6 2.8A3.2 3.2 0 0 1 6 9.2z" fill="currentColor" stroke="none" />}
        {status === "closed" && <path d="M3.8 6.2 5.4 7.8 8.3 4.6" />}
      </svg>
      {reopened ? w.status.reopened : w.status[status]}
    </span>
  );
}
