import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { get } from "../../api/client";
import type { IssuePage, Related, RelatedIssue } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { SeverityShape, StatusBadge } from "../../ui/Badges";
import { Hostile } from "../../ui/Hostile";
import { safeHref } from "../../ui/markdown";
import { term } from "../../ui/pivot";
import { Time } from "../../ui/Time";
import { isZero } from "../../ui/time";
import { EntityLink, Value } from "../../ui/Value";
import { w as catalogue } from "./words";

/** Facts are what is known of the issue at a glance, and the issues that help with it. */
export function Facts({ issue: is }: { issue: IssuePage }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const e = is.latest?.event;
  const related = useQuery({
    queryKey: ["issue", is.id, "related"],
    queryFn: ({ signal }) => get<Related>(`/issues/${encodeURIComponent(is.id)}/related`, signal),
    retry: false,
  });
  const techniques = (is.rule.tags ?? []).filter((t) => /^attack\.t\d/i.test(t)).map((t) => t.slice(7).toUpperCase());
  // A vendor's alert often names an address that is no source: where a machine spoke to.
  const addresses = (is.entities ?? []).filter((x) => x.type === "ip" && x.id !== e?.src_ip);
  const fact = (name: string, value: ReactNode) =>
    value ? (
      <>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </>
    ) : null;
  const time = (t: string | undefined) => (isZero(t) ? null : <Time at={t} mode="exact" />);
  return (
    <aside className="issue-facts" aria-label={w.facts.title}>
      <section className="section">
        <h2>{w.facts.title}</h2>
        <dl className="facts">
          {fact(
            w.facts.account,
            is.account && (
              <>
                {is.account_info?.name && <Hostile text={is.account_info.name} />}{" "}
                <EntityLink type="account" id={is.account} />
              </>
            ),
          )}
          {fact(w.facts.owner, is.account_info?.owner && <Hostile text={is.account_info.owner} />)}
          {fact(w.facts.environment, is.account_info?.environment && <Hostile text={is.account_info.environment} />)}
          {fact(
            w.facts.actor,
            is.actor?.id && (
              <EntityLink type={is.actor.type || "user"} id={is.actor.id} label={is.actor.name || is.actor.id} />
            ),
          )}
          {fact(w.facts.ip, e?.src_ip && <EntityLink type="ip" id={e.src_ip} />)}
          {fact(
            w.facts.addresses,
            addresses.length > 0 &&
              addresses.slice(0, 5).map((a) => (
                <div key={a.id}>
                  <EntityLink type="ip" id={a.id} />
                </div>
              )),
          )}
          {fact(w.facts.action, e?.action && <Value field="action" value={e.action} hunt="action" />)}
          {fact(w.facts.outcome, e && (w.outcomes as Record<string, string | undefined>)[e.outcome])}
          {fact(w.facts.region, e?.region && <Hostile text={e.region} mono />)}
          {fact(w.facts.format, is.format && <span className="mono">{is.format}</span>)}
          {fact(
            w.facts.techniques,
            techniques.length > 0 &&
              techniques.map((t) => (
                <Link key={t} className="tag" href={`/issues?q=${encodeURIComponent(term("technique", t))}`}>
                  {t}
                </Link>
              )),
          )}
          {fact(w.facts.first, time(is.first_seen))}
          {fact(w.facts.last, time(is.last_seen))}
          {fact(w.facts.count, <span className="num">{count(is.count, lang)}</span>)}
          {fact(w.facts.opened, time(is.opened))}
          {fact(w.facts.acked, time(is.acked))}
          {fact(w.facts.closed, time(is.closed))}
          {fact(
            w.facts.reason,
            is.close_reason && ((w.closedBy as Record<string, string>)[is.close_reason] ?? is.close_reason),
          )}
          {fact(w.facts.episode, is.episode > 1 && String(is.episode))}
          {fact(
            w.facts.assignee,
            is.assignee ? (
              <Hostile text={is.assignee.replace(/^user:/, "")} />
            ) : (
              <span className="faint">{w.facts.nobody}</span>
            ),
          )}
          {fact(w.facts.suppressed, time(is.suppressed_until))}
          {fact(
            w.facts.umbrella,
            is.umbrella && (
              <Link className="mono" href={`/issues/${is.umbrella}`}>
                {is.umbrella}
              </Link>
            ),
          )}
          {fact(
            w.facts.tickets,
            (is.tickets?.length ?? 0) > 0 &&
              is.tickets?.map((t) => (
                <div key={t.sink}>
                  {t.sink}:{" "}
                  {t.url && safeHref(t.url) ? (
                    <a href={safeHref(t.url)} target="_blank" rel="noreferrer noopener">
                      <Hostile text={t.ref} />
                    </a>
                  ) : (
                    <Hostile text={t.ref} />
                  )}
                </div>
              )),
          )}
          {fact(
            w.facts.links,
            (is.links?.length ?? 0) > 0 &&
              is.links?.map((l) => {
                const href = safeHref(l.url);
                return (
                  <div key={l.url}>
                    {href ? (
                      <a href={href} target="_blank" rel="noreferrer noopener">
                        <Hostile text={l.title} />
                      </a>
                    ) : (
                      <Hostile text={l.title} />
                    )}
                  </div>
                );
              }),
          )}
          {fact(w.facts.kind, is.kind === "posture" ? w.facts.posture : w.facts.behaviour)}
          {fact(w.facts.id, <span className="mono">{is.id}</span>)}
        </dl>
      </section>
      <section className="section">
        <h2>{w.related.similar}</h2>
        <RelatedList items={related.data?.similar} none={w.related.none} lang={lang} conclusions={core.conclusion} />
      </section>
      {(related.data?.same_actor?.length ?? 0) > 0 && (
        <section className="section">
          <h2>{w.related.actor}</h2>
          <RelatedList
            items={related.data?.same_actor}
            none={w.related.none}
            lang={lang}
            conclusions={core.conclusion}
          />
        </section>
      )}
    </aside>
  );
}

function RelatedList({
  items,
  none,
  lang,
  conclusions,
}: {
  items: RelatedIssue[] | null | undefined;
  none: string;
  lang: "en" | "ja";
  conclusions: Record<string, string>;
}) {
  if (!items || items.length === 0) return <p className="faint plain">{none}</p>;
  return (
    <ul className="related">
      {items.slice(0, 6).map((r) => (
        <li key={r.id}>
          <Link href={`/issues/${r.id}`}>
            <SeverityShape level={r.severity} />
            <span className="cut">
              <Hostile text={(lang === "ja" && r.title_ja) || r.title} />
            </span>
          </Link>
          <div className="dim">
            <StatusBadge status={r.status} />
            {r.conclusion && <span>{conclusions[r.conclusion]}</span>}
            <Time at={r.last_seen} />
          </div>
          {r.why && (
            <div className="faint">
              <Hostile text={(lang === "ja" && r.why_ja) || r.why} />
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}
