import { Fragment } from "react";
import { parts } from "./hostile";

/** Hostile shows a text that somebody else wrote: in its own direction, hidden characters as codes. */
export function Hostile({ text, mono }: { text: string; mono?: boolean }) {
  return (
    <bdi className={mono ? "mono" : undefined}>
      {parts(text).map((p, i) =>
        p.code ? (
          <span key={i} className="code-point">
            {p.text}
          </span>
        ) : (
          <Fragment key={i}>{p.text}</Fragment>
        ),
      )}
    </bdi>
  );
}
