import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { CopyButton } from "./Copy";
import { Hostile } from "./Hostile";

export interface Step {
  title: ReactNode;
  doc?: ReactNode;
  /** A command or a document to copy. */
  code?: string;
}

/** EmptyState says why there is nothing, and teaches the exact next step. */
export function EmptyState({
  title,
  doc,
  steps,
  action,
  children,
}: {
  title: string;
  doc?: ReactNode;
  steps?: Step[];
  action?: { label: string; run: () => void };
  children?: ReactNode;
}) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {doc && <p>{doc}</p>}
      {steps && (
        <ol>
          {steps.map((s, i) => (
            <li key={i}>
              <strong>{s.title}</strong>
              {s.doc && <div className="dim">{s.doc}</div>}
              {s.code && (
                <div className="empty-code">
                  <pre>
                    <Hostile text={s.code} />
                  </pre>
                  <CopyButton text={s.code} />
                </div>
              )}
            </li>
          ))}
        </ol>
      )}
      {action && (
        <Button onClick={action.run} variant="default">
          {action.label}
        </Button>
      )}
      {children}
    </div>
  );
}
