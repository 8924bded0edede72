import { useQuery } from "@tanstack/react-query";
import { get, query } from "../../api/client";
import type { EventMatch, Issue, IssuePage, Page } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { CopyMenu } from "../../ui/Copy";
import { opWord, spanWord } from "../../ui/clause";
import { pieces } from "../../ui/entities";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { Markdown } from "../../ui/Markdown";
import { NamedText } from "../../ui/Named";
import { RawEvent } from "../../ui/RawEvent";
import { Time } from "../../ui/Time";
import { isZero } from "../../ui/time";
import { Value } from "../../ui/Value";
import { w as findings } from "../findings/words";
import { w as catalogue } from "./words";

/** Why says why the issue is there: the clauses that held, marked in the record itself. */
export function Why({ issue }: { issue: IssuePage }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const { missing } = useWords(findings);
  const events = useQuery({
    queryKey: ["issue", issue.id, "events", 1],
    queryFn: ({ signal }) =>
      get<Page<EventMatch>>(`/issues/${encodeURIComponent(issue.id)}/events${query({ limit: 1 })}`, signal),
    retry: false,
    // A record is written within a minute of its arrival: what is too new comes by itself.
    refetchInterval: ({ state }) =>
      state.data?.items[0]?.missing === "not_in_lake" && Date.now() - Date.parse(issue.updated) < 120_000
        ? 5_000
        : false,
  });
  const f = issue.latest;
  const event = events.data?.items?.[0];
  const why = event?.clauses?.length ? event.clauses : (f?.why ?? []);
  const raw = event?.raw;
  const known = f?.entities ?? issue.entities ?? [];
  const { check, act } = runbook(issue, lang);
  const output = f?.output && f.output !== issue.title ? f.output : "";
  return (
    <>
      <section className="section">
        <h2>{w.why.title}</h2>
        <p className="why-rule">
          <Link href={`/rules/${encodeURIComponent(issue.rule.id)}`}>
            <Hostile text={(lang === "ja" && issue.rule_title_ja) || issue.rule.title || issue.rule.id} />
          </Link>{" "}
          <span className="tag">{issue.rule.engine === "builtin" ? w.why.builtin : issue.rule.engine}</span>{" "}
          {f?.retro && <span className="tag tag-accent">{w.why.retro}</span>}{" "}
          {f?.mode === "count" && <span className="tag">{w.why.counted}</span>}
        </p>
        {output && (
          <p className="dim">
            <NamedText text={output} known={known} />
          </p>
        )}
        {why.length > 0 ? (
          <div className="table-wrap">
            <table className="table why-table">
              <thead>
                <tr>
                  <th>{w.why.clause.field}</th>
                  <th>{w.why.clause.op}</th>
                  <th>{w.why.clause.value}</th>
                  <th>{w.why.clause.actual}</th>
                </tr>
              </thead>
              <tbody>
                {why.map((c, i) => (
                  <tr key={i}>
                    <td className="mono why-value">
                      <Hostile text={c.field} />
                    </td>
                    <td className="dim" title={plain(c.op)}>
                      <Hostile text={opWord(c.op, lang)} />
                    </td>
                    <td className="mono why-value">
                      <Hostile text={c.op === "within" ? spanWord(c.value) : c.value} />
                    </td>
                    <td className="why-value">
                      {c.actual === "" ? (
                        <span className="faint">–</span>
                      ) : (
                        <mark>
                          {c.op === "within" ? (
                            <Hostile mono text={spanWord(c.actual)} />
                          ) : pieces(c.actual, c.field, known).some((p) => p.named) ? (
                            <NamedText text={c.actual} name={c.field} known={known} />
                          ) : (
                            <Value field="entity" value={c.actual} />
                          )}
                        </mark>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : (
          <p className="dim">{w.why.noClauses}</p>
        )}
      </section>
      {event && (
        <section className="section">
          <div className="section-head">
            <h2>{w.why.event}</h2>
            <span className="mono dim cut">
              <Hostile text={event.event.action} />
            </span>
            {!isZero(event.event.time) && (
              <span className="faint">
                <Time at={event.event.time} mode="exact" />
              </span>
            )}
            <span className="grow" />
            <CopyMenu
              of={{ event: { ...event.event, format: event.format }, raw, path: `/events/${event.event.key}` }}
            />
          </div>
          {event.missing ? (
            <p className="dim">{(missing as Record<string, string>)[event.missing] ?? w.why.missing}</p>
          ) : (
            <RawEvent raw={raw} clauses={event.clauses} limit={48} label={w.why.event} entities={known} />
          )}
        </section>
      )}
      {(check.length > 0 || act.length > 0) && (
        <section className="section">
          <h2>{w.runbook.title}</h2>
          {check.length > 0 && <h3 className="dim">{w.runbook.check}</h3>}
          <List items={check} />
          {act.length > 0 && <h3 className="dim">{w.runbook.do}</h3>}
          <List items={act} />
        </section>
      )}
      {((issue.explained?.length ?? 0) > 0 || issue.severity_original) && (
        <section className="section">
          <h2>{w.why.explained}</h2>
          <ul className="plain">
            {issue.severity_original && (
              <li className="dim">{w.why.original(original(issue.severity_original, core.severity))}</li>
            )}
            {issue.explained?.map((e) => (
              <li key={e}>
                <Hostile text={e} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {(f?.usual?.length ?? 0) > 0 && (
        <section className="section">
          <h2>{w.why.usual}</h2>
          <ul className="plain">
            {f?.usual?.map((u, i) => (
              <li key={i}>
                <Hostile text={u.text || `${u.of}: ${u.value}`} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function original(level: string, names: Record<string, string>): string {
  return names[level] ?? level;
}

function runbook(issue: Issue, lang: "en" | "ja"): { check: string[]; act: string[] } {
  const r = issue.runbook;
  if (!r) return { check: [], act: [] };
  if (lang === "ja" && (r.check_ja?.length || r.do_ja?.length)) return { check: r.check_ja ?? [], act: r.do_ja ?? [] };
  return { check: r.check ?? [], act: r.do ?? [] };
}

function List({ items }: { items: string[] }) {
  if (items.length === 0) return null;
  return (
    <ol className="runbook">
      {items.map((s) => (
        <li key={s}>
          <Markdown text={s} />
        </li>
      ))}
    </ol>
  );
}
