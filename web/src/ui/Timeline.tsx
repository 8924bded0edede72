import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon";
import { Time } from "./Time";

export interface Moment {
  key: string;
  at: string;
  icon: IconName;
  tone?: "bad" | "warn" | "good" | "accent";
  title: ReactNode;
  who?: ReactNode;
  body?: ReactNode;
}

/** Timeline tells what happened in the order that it is given in. */
export function Timeline({ moments, label }: { moments: Moment[]; label: string }) {
  return (
    <ol className="timeline" aria-label={label}>
      {moments.map((m) => (
        <li key={m.key}>
          <span className={`timeline-icon tone-${m.tone ?? "none"}`}>
            <Icon name={m.icon} size={12} />
          </span>
          <div className="grow">
            <div className="timeline-head">
              <span>{m.title}</span>
              {m.who && <span className="dim">{m.who}</span>}
              <span className="faint timeline-at">
                <Time at={m.at} />
              </span>
            </div>
            {m.body && <div className="timeline-body">{m.body}</div>}
          </div>
        </li>
      ))}
    </ol>
  );
}
