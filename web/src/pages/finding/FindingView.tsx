import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { get, Problem } from "../../api/client";
import { eventHref } from "../../api/events";
import type { FindingPage } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCan } from "../../app/session";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { SeverityBadge } from "../../ui/Badges";
import { CopyMenu } from "../../ui/Copy";
import { opWord, spanWord } from "../../ui/clause";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { asKQL } from "../../ui/pivot";
import { RawEvent } from "../../ui/RawEvent";
import { Time } from "../../ui/Time";
import { isZero } from "../../ui/time";
import { EntityLink } from "../../ui/Value";
import { w as catalogue } from "../findings/words";
import "./finding.css";

/** FindingView is one finding: why, on what record, and what came of it. */
export function FindingView({ id }: { id: string }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const hunt = useCan("hunt");
  const r = useQuery({
    queryKey: ["finding", id],
    queryFn: ({ signal }) => get<FindingPage>(`/findings/${encodeURIComponent(id)}`, signal),
    retry: false,
  });
  const f = r.data;
  const title = f ? (lang === "ja" && f.rule_title_ja) || f.rule.title || f.rule.id : "";
  useEffect(() => {
    if (title && location.pathname.startsWith("/findings/")) document.title = `${plain(title)} · Yagura`;
  }, [title]);
  if (r.error)
    return (
      <EmptyState
        title={r.error instanceof Problem && r.error.status !== 404 ? r.error.said(lang) : w.gone}
        doc={w.goneDoc}
      />
    );
  if (!f) return null;
  const e = f.event;
  const row = (label: string, value: React.ReactNode) =>
    value ? (
      <>
        <dt>{label}</dt>
        <dd>{value}</dd>
      </>
    ) : null;
  const asked = { format: f.format, key: e.key, id: e.id, time: e.time, action: e.action, account: e.account };
  return (
    <>
      <section className="section">
        <div className="row wrap">
          <SeverityBadge level={f.judged ?? f.severity} />
          {f.suppressed && <span className="tag">{w.quiet}</span>}
          {f.mode === "count" && <span className="tag">{w.count}</span>}
          {f.retro && <span className="tag">{w.retro}</span>}
          <span className="grow" />
          <span className="faint">
            <Time at={f.time} mode="exact" />
          </span>
        </div>
        <h1 className="finding-title">
          <Link href={`/rules/${encodeURIComponent(f.rule.id)}`}>
            <Hostile text={title} />
          </Link>
        </h1>
        <div className="row wrap">
          {f.issue_id && (
            <Button component={Link} href={`/issues/${f.issue_id}`} variant="filled">
              {w.issue}
            </Button>
          )}
          {hunt && (
            <Button component={Link} href={`/hunt?${new URLSearchParams({ lang: "kql", q: asKQL(asked) })}`}>
              {w.hunt}
            </Button>
          )}
        </div>
        <dl className="facts finding-facts">
          {row(w.column.action, e.action && <Hostile mono text={e.action} />)}
          {row(
            w.column.actor,
            e.actor?.id && (
              <EntityLink type={e.actor.type || "user"} id={e.actor.id} label={e.actor.name || e.actor.id} />
            ),
          )}
          {row(w.column.ip, e.src_ip && <EntityLink type="ip" id={e.src_ip} />)}
          {row(w.column.account, e.account && <EntityLink type="account" id={e.account} />)}
          {row(w.facts.region, e.region && <Hostile text={e.region} />)}
          {row(w.facts.outcome, (w.outcomes as Record<string, string | undefined>)[e.outcome])}
          {row(w.facts.format, f.format && <span className="mono">{f.format}</span>)}
          {row(
            w.facts.source,
            f.source && (
              <Link href={`/sources?open=${encodeURIComponent(f.source)}`}>
                <Hostile text={f.source} />
              </Link>
            ),
          )}
          {row(w.facts.own, f.judged && f.judged !== f.severity && <SeverityBadge level={f.severity} />)}
          {row(w.column.seen, f.seen && <Time at={f.seen} mode="exact" />)}
        </dl>
      </section>
      <section className="section">
        <h2>{w.why}</h2>
        {f.output && (
          <p className="finding-output">
            <Hostile text={f.output} />
          </p>
        )}
        {(f.why ?? []).length === 0 ? (
          <p className="dim finding-none">{w.noWhy}</p>
        ) : (
          <div className="table-wrap">
            <table className="table">
              <thead>
                <tr>
                  <th>{w.field}</th>
                  <th>{w.op}</th>
                  <th>{w.value}</th>
                  <th>{w.actual}</th>
                </tr>
              </thead>
              <tbody>
                {f.why!.map((c, i) => (
                  <tr key={i}>
                    <td>
                      <Hostile mono text={c.field} />
                    </td>
                    <td className="dim" title={plain(c.op)}>
                      <Hostile text={opWord(c.op, lang)} />
                    </td>
                    <td className="finding-value">
                      <Hostile mono text={c.op === "within" ? spanWord(c.value) : c.value} />
                    </td>
                    <td className="finding-value">
                      <Hostile mono text={c.op === "within" ? spanWord(c.actual) : c.actual} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {(f.decided ?? []).length > 0 && (
          <>
            <h3 className="finding-sub">{w.facts.decided}</h3>
            <ul className="finding-decided dim">
              {f.decided!.map((d) => (
                <li key={d}>
                  <Hostile text={d} />
                </li>
              ))}
            </ul>
          </>
        )}
      </section>
      {(f.entities ?? []).length > 0 && (
        <section className="section">
          <h2>{w.facts.entities}</h2>
          <dl className="facts">
            {f.entities!.map((x) => (
              <div key={`${x.type}=${x.id}`} className="finding-row">
                <dt>{(core.entity as Record<string, string>)[x.type] ?? x.type}</dt>
                <dd>
                  <EntityLink type={x.type} id={x.id} />
                </dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      {(f.records ?? []).map((m, i) => (
        <section key={i} className="section">
          <div className="section-head">
            <h2>
              {m.missing ? w.records : <Link href={eventHref({ ...m.event, format: m.format })}>{w.records}</Link>}
            </h2>
            {!isZero(m.event.time) && (
              <span className="faint">
                <Time at={m.event.time} mode="exact" />
              </span>
            )}
            <span className="grow" />
            <CopyMenu
              of={{
                event: { ...asked, key: m.event.key, id: m.event.id, time: m.event.time, format: m.format },
                raw: m.raw || undefined,
              }}
            />
          </div>
          {m.missing || !m.raw ? (
            <p className="dim finding-none">
              {(w.missing as Record<string, string>)[m.missing ?? "not_in_lake"] ?? m.missing}
            </p>
          ) : (
            <RawEvent raw={m.raw} clauses={m.clauses} entities={f.entities} />
          )}
        </section>
      ))}
    </>
  );
}
