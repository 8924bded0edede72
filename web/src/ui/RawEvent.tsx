import { Button } from "@mantine/core";
import { useMemo, useState } from "react";
import type { Clause, Entity } from "../api/types";
import { useLang } from "../app/prefs";
import { useCore } from "../i18n/core";
import { count } from "../i18n/words";
import { opWord } from "./clause";
import { Hostile } from "./Hostile";
import { countHidden, plain } from "./hostile";
import { NamedText } from "./Named";
import { type Line, linesOf, marks } from "./raw";

/** RawEvent shows a record as it was received, with the values marked that clauses are about. */
export function RawEvent({
  raw,
  clauses = [],
  limit = 60,
  label,
  entities,
}: {
  raw: unknown;
  clauses?: Clause[] | null;
  limit?: number;
  label?: string;
  /** Whom and what the record is known to be about. */
  entities?: Entity[] | null;
}) {
  const w = useCore();
  const lang = useLang();
  const [all, setAll] = useState(false);
  const [wrap, setWrap] = useState(true);
  const ls = useMemo(() => linesOf(raw), [raw]);
  const ms = useMemo(() => marks(ls, clauses ?? []), [ls, clauses]);
  const hidden = useMemo(() => countHidden(ls.map((l) => `${l.key ?? ""} ${l.value}`).join("\n")), [ls]);
  // What is marked is never folded away.
  const lastMark = ms.size > 0 ? Math.max(...ms.keys()) : 0;
  const shown = all ? ls.length : Math.min(ls.length, Math.max(limit, lastMark + 4));
  return (
    <div className="raw">
      {hidden > 0 && <div className="raw-hidden">{w.raw.hidden(count(hidden, lang))}</div>}
      <section className={wrap ? "raw-lines wrap-lines" : "raw-lines"} aria-label={label ?? "JSON"}>
        {ls.slice(0, shown).map((l, i) => {
          const m = ms.get(i);
          return (
            <div key={i} className={m ? "raw-line raw-marked" : "raw-line"}>
              <span className="raw-n" aria-hidden="true">
                {i + 1}
              </span>
              <span className="raw-text" style={{ paddingLeft: `${l.depth * 14 + 14}px` }}>
                {l.key !== undefined && (
                  <>
                    <span className="json-key">
                      <Hostile text={JSON.stringify(l.key)} />
                    </span>
                    {": "}
                  </>
                )}
                {m ? (
                  <mark title={m.map((c) => plain(w.raw.clause(c.field, opWord(c.op, lang), c.value))).join("\n")}>
                    <LineValue line={l} entities={entities} />
                  </mark>
                ) : (
                  <span className={`json-${l.kind}`}>
                    <LineValue line={l} entities={entities} />
                  </span>
                )}
                {l.comma && ","}
                {m && (
                  <span className="raw-why">
                    {m.map((c, n) => (
                      <span key={n}>
                        <Hostile text={`${opWord(c.op, lang)} ${c.value}`} />
                      </span>
                    ))}
                  </span>
                )}
              </span>
            </div>
          );
        })}
      </section>
      <div className="raw-foot">
        {(shown < ls.length || all) && ls.length > limit && (
          <Button variant="subtle" size="compact-xs" onClick={() => setAll(!all)}>
            {all ? w.raw.less : w.raw.more(count(ls.length - shown, lang))}
          </Button>
        )}
        <Button variant="subtle" size="compact-xs" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>
          {w.raw.wrap}
        </Button>
      </div>
    </div>
  );
}

/** LineValue is the value of a line as it was received; whom and what it names are ways on. */
function LineValue({ line: l, entities }: { line: Line; entities?: Entity[] | null }) {
  // A value of a list stands under the key of the list.
  const name = l.key ?? l.path.findLast((p) => !/^\d+$/.test(p));
  if (l.kind === "text" || l.kind === "number") return <NamedText text={l.value} name={name} known={entities} />;
  if (l.kind !== "string" || l.value.includes("\\/")) return <Hostile text={l.value} />;
  // Escapes are shown as they came, and belong to no name.
  return (
    <>
      "
      {l.value
        .slice(1, -1)
        .split(/(\\u[\da-f]{4}|\\.)/i)
        .map((s, i) =>
          i % 2 === 1 ? <Hostile key={i} text={s} /> : <NamedText key={i} text={s} name={name} known={entities} />,
        )}
      "
    </>
  );
}

/** Json shows any value the same way, without clauses. */
export function Json({ value, limit = 40 }: { value: unknown; limit?: number }) {
  return <RawEvent raw={value} limit={limit} />;
}
