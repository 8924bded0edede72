import { useMemo, useState } from "react";
import type { Overview } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { count, short, useWords } from "../../i18n/words";
import { type Cell, matrix } from "./matrix";
import { listHref } from "./urgent";
import { w as catalogue } from "./words";

const shown = 6;
const early = new Set(["reconnaissance", "resource-development"]);

/** Attack is the matrix of ATT&CK: how many rules look for a technique, and how often it was seen. */
export function Attack({ o }: { o: Overview }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const [all, setAll] = useState(false);
  const every = useMemo(() => matrix(o.attack?.techniques ?? []), [o.attack]);
  // What comes before an attack leaves hardly a trace in one's own logs: where nothing was seen, it gives way.
  const columns = all ? every : every.filter((c) => !early.has(c.tactic) || c.cells.some((x) => x.findings > 0));
  const cells = useMemo(() => new Map(every.flatMap((c) => c.cells).map((c) => [c.id, c])), [every]);
  const covered = [...cells.values()].filter((c) => c.rules > 0).length;
  const seen = [...cells.values()].filter((c) => c.findings > 0).length;
  const most = Math.max(0, ...every.map((c) => c.cells.length));
  return (
    <section className="card ov-attack" aria-labelledby="attack">
      <div className="card-head">
        <h2 id="attack">{w.attack.title}</h2>
        <span className="faint">{w.attack.doc}</span>
        <span className="grow" />
        <span className="faint attack-summary">{w.attack.summary(count(covered, lang), count(seen, lang))}</span>
        <span className="attack-legend faint" aria-hidden="true">
          {w.attack.less}
          {[0, 1, 2, 3, 4, 5].map((h) => (
            <span key={h} className={`heat heat-${h}`} />
          ))}
          {w.attack.more}
        </span>
      </div>
      {columns.length === 0 ? (
        <p className="card-none dim">{w.attack.none}</p>
      ) : (
        <div className="attack-scroll">
          <div className="attack" style={{ gridTemplateColumns: `repeat(${columns.length}, minmax(70px, 1fr))` }}>
            {columns.map((c) => (
              <div key={c.tactic} className="attack-column">
                <h3 title={w.tactic[c.tactic]}>
                  <span>{w.tactic[c.tactic]}</span>
                </h3>
                {(all ? c.cells : c.cells.slice(0, shown)).map((x) => (
                  <TechniqueCell key={x.id} cell={x} />
                ))}
              </div>
            ))}
          </div>
          {most > shown && (
            <button type="button" className="attack-all" onClick={() => setAll(!all)}>
              {all ? w.attack.fewer : w.attack.all(cells.size)}
            </button>
          )}
        </div>
      )}
    </section>
  );
}

function TechniqueCell({ cell }: { cell: Cell }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const n = (x: number) => count(x, lang);
  const said = w.attack.cell(cell.id, cell.name, n(cell.findings), n(cell.rules), n(cell.issues));
  const subs = cell.subs.map((s) => `\n${s.id} ${s.name ?? ""}: ${n(s.findings)}`).join("");
  return (
    <Link
      href={
        cell.findings > 0
          ? listHref("findings", `technique:${cell.id} seen:7d`)
          : listHref("rules", `technique:${cell.id}`)
      }
      className={`attack-cell heat-${cell.heat}`}
      title={said + subs}
    >
      <span className="attack-name" lang="en">
        {cell.name || cell.id}
      </span>
      <span className="attack-numbers num">
        <strong>{cell.findings > 0 ? short(cell.findings, lang) : ""}</strong>
        <span>{cell.rules > 0 ? n(cell.rules) : "·"}</span>
      </span>
    </Link>
  );
}
