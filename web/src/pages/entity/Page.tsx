import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo } from "react";
import { get, Problem, query } from "../../api/client";
import type { EntityPage, Issue, Page as Rows, Usual } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useParam } from "../../app/router";
import { useCan } from "../../app/session";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { SeverityBadge, StatusBadge } from "../../ui/Badges";
import { CopyMenu } from "../../ui/Copy";
import { EmptyState } from "../../ui/EmptyState";
import { huntFor } from "../../ui/entities";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { Icon } from "../../ui/Icon";
import { entityTerm } from "../../ui/pivot";
import { Time } from "../../ui/Time";
import { EntityLink } from "../../ui/Value";
import { days } from "./days";
import { w as catalogue } from "./words";
import "./entity.css";

const EntityGraph = lazy(() => import("../../ui/EntityGraph").then((m) => ({ default: m.EntityGraph })));
const TimeChart = lazy(() => import("../../ui/TimeChart").then((m) => ({ default: m.TimeChart })));

/** Page is all that is known of one entity. */
export function Page() {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const type = useParam("type");
  const id = useParam("id");
  const hunt = useCan("hunt");
  const path = `/entities/${encodeURIComponent(type)}/${encodeURIComponent(id)}`;
  const q = entityTerm(type, id);
  const r = useQuery({
    queryKey: ["entity", type, id],
    queryFn: ({ signal }) => get<EntityPage>(path, signal),
    retry: false,
  });
  const issues = useQuery({
    queryKey: ["entity-issues", type, id],
    queryFn: ({ signal }) => get<Rows<Issue>>(`/issues${query({ q, sort: "-updated", limit: 8 })}`, signal),
  });
  useEffect(() => {
    document.title = `${plain(id)} · Yagura`;
  }, [id]);
  const word = (core.entity as Record<string, string>)[type] ?? type;
  const huntHref = `/hunt?${new URLSearchParams({ lang: "kql", q: huntFor(type, id) })}`;
  const e = r.data;
  return (
    <div className="page">
      <div className="page-head">
        <Link href="/entities" className="row dim">
          <Icon name="left" size={12} /> {w.back}
        </Link>
        <span className="grow" />
        {hunt && (
          <Button component={Link} href={huntHref} leftSection={<Icon name="hunt" size={12} />}>
            {w.hunt}
          </Button>
        )}
        <CopyMenu of={{ link: path, path }} />
      </div>
      <div className="page-body">
        <div className="entity-head">
          <span className="faint">{word}</span>
          <h1 className="mono">
            <Hostile text={id} />
          </h1>
        </div>
        {r.error ? (
          <EmptyState
            title={r.error instanceof Problem && r.error.status !== 404 ? r.error.said(lang) : w.gone}
            doc={w.goneDoc}
            steps={[{ title: w.hunt, code: huntFor(type, id) }]}
          />
        ) : (
          e && (
            <>
              <div className="entity-stats">
                <Stat label={w.issues} value={count(e.issues_n, lang)} href={`/issues?${new URLSearchParams({ q })}`} />
                <Stat
                  label={w.findings}
                  value={count(e.findings_n, lang)}
                  href={`/findings?${new URLSearchParams({ q })}`}
                />
                <Stat label={w.first} value={<Time at={e.first_seen} />} />
                <Stat label={w.last} value={<Time at={e.last_seen} />} />
              </div>
              {e.cut && <div className="notice entity-cut">{w.cut}</div>}
              <div className="entity">
                <div className="entity-col">
                  <Issues
                    list={issues.data?.items ?? []}
                    loading={issues.isPending}
                    all={`/issues?${new URLSearchParams({ q })}`}
                  />
                  <Counts
                    title={w.actions}
                    none={w.actionsNone}
                    list={(e.actions ?? []).map((a) => ({
                      key: a.action,
                      n: a.n,
                      node: <Hostile mono text={a.action} />,
                    }))}
                  />
                  <UsualFacts list={e.usual ?? []} />
                </div>
                <div className="entity-col">
                  <Activity list={e.activity ?? []} />
                  <Counts
                    title={w.related}
                    none={w.relatedNone}
                    list={(e.related ?? []).map((x) => ({
                      key: `${x.type}=${x.id}`,
                      n: x.n,
                      node: (
                        <>
                          <span className="faint entity-type">
                            {(core.entity as Record<string, string>)[x.type] ?? x.type}
                          </span>
                          <EntityLink type={x.type} id={x.id} />
                        </>
                      ),
                    }))}
                  />
                  <section className="card" aria-labelledby="intel">
                    <div className="card-head">
                      <h2 id="intel">{w.intel}</h2>
                    </div>
                    <div className="card-body dim">
                      <strong className="entity-lead">{w.intelNone}</strong>
                      {w.intelNoneDoc}
                      <pre className="entity-code">{`yagura retro --indicator ${/^[\w.:-]+$/.test(id) ? id : "indicators.txt"}`}</pre>
                    </div>
                  </section>
                </div>
                <section className="card entity-graph" aria-labelledby="graph">
                  <div className="card-head">
                    <h2 id="graph">{w.graph}</h2>
                  </div>
                  <div className="card-body">
                    <Suspense fallback={<div className="entity-graph-wait" aria-busy="true" />}>
                      <EntityGraph path={`${path}/graph`} root={`${type}/${id}`} />
                    </Suspense>
                  </div>
                </section>
              </div>
            </>
          )
        )}
      </div>
    </div>
  );
}

function Stat({ label, value, href }: { label: string; value: React.ReactNode; href?: string }) {
  const inner = (
    <>
      <span className="entity-stat-label">{label}</span>
      <span className="entity-stat-value num">{value}</span>
    </>
  );
  return href ? (
    <Link href={href} className="entity-stat">
      {inner}
    </Link>
  ) : (
    <span className="entity-stat">{inner}</span>
  );
}

function Issues({ list, loading, all }: { list: Issue[]; loading: boolean; all: string }) {
  const w = useWords(catalogue);
  const lang = useLang();
  return (
    <section className="card entity-issues" aria-labelledby="issues">
      <div className="card-head">
        <h2 id="issues">{w.recent}</h2>
        <span className="grow" />
        <Link href={all} className="dim entity-all">
          {w.allIssues}
        </Link>
      </div>
      {list.length === 0 && !loading ? (
        <p className="card-body dim entity-none">{w.issuesNone}</p>
      ) : (
        <table className="table">
          <tbody>
            {list.map((is) => (
              <tr key={is.id}>
                <td className="entity-sev">
                  <SeverityBadge level={is.severity} />
                </td>
                <td className="entity-status">
                  <StatusBadge status={is.status} episode={is.episode} />
                </td>
                <td className="entity-title">
                  <Link href={`/issues/${is.id}`}>
                    <Hostile text={(lang === "ja" && is.title_ja) || is.title} />
                  </Link>
                </td>
                <td className="num">
                  <Time at={is.last_seen} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Activity({ list }: { list: { at: string; n: number }[] }) {
  const w = useWords(catalogue);
  const all = useMemo(() => days(list), [list]);
  const at = useMemo(() => all.map((d) => d.at), [all]);
  const series = useMemo(() => [{ label: w.findings, values: all.map((d) => d.n), tone: "--accent" }], [all, w]);
  return (
    <section className="card entity-activity" aria-labelledby="activity">
      <div className="card-head">
        <h2 id="activity">{w.activity}</h2>
        <span className="faint">{w.activityDoc}</span>
      </div>
      {all.length < 2 ? (
        <p className="card-body dim entity-none">{w.activityNone}</p>
      ) : (
        <div className="entity-chart">
          <Suspense fallback={<div className="entity-chart-wait" />}>
            <TimeChart at={at} series={series} label={`${w.activity}: ${w.activityDoc}`} height={150} daily />
          </Suspense>
        </div>
      )}
    </section>
  );
}

function Counts({
  title,
  none,
  list,
}: {
  title: string;
  none: string;
  list: { key: string; n: number; node: React.ReactNode }[];
}) {
  const lang = useLang();
  const max = Math.max(1, ...list.map((x) => x.n));
  return (
    <section className="card" aria-label={title}>
      <div className="card-head">
        <h2>{title}</h2>
      </div>
      {list.length === 0 ? (
        <p className="card-body dim entity-none">{none}</p>
      ) : (
        <ul className="counts">
          {list.slice(0, 10).map((x) => (
            <li key={x.key}>
              <svg
                className="counts-bar"
                width="100%"
                height="100%"
                viewBox="0 0 100 1"
                preserveAspectRatio="none"
                aria-hidden="true"
              >
                <rect width={(x.n / max) * 100} height="1" />
              </svg>
              <span className="counts-node cut">{x.node}</span>
              <span className="num dim">{count(x.n, lang)}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const clause = `- name: from a network where it never worked
  when: usual.network.first && finding.kind == "behaviour"
  raise: 1`;

function UsualFacts({ list }: { list: Usual[] }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const n = (x: number) => count(x, lang);
  return (
    <section className="card" aria-labelledby="usual">
      <div className="card-head">
        <h2 id="usual">{w.usual}</h2>
      </div>
      {list.length === 0 ? (
        <div className="card-body dim">
          <strong className="entity-lead">{w.usualNone}</strong>
          {w.usualNoneDoc}
          <pre className="entity-code">{clause}</pre>
        </div>
      ) : (
        <table className="table">
          <tbody>
            {list.slice(0, 12).map((u, i) => (
              <tr key={i}>
                <td className="dim entity-status">{(w.usualOf as Record<string, string>)[u.of] ?? u.of}</td>
                <td className="entity-title">
                  <Hostile mono text={u.value} />
                </td>
                <td>
                  {u.unknown ? (
                    <span className="faint">
                      <Hostile text={u.unknown} />
                    </span>
                  ) : (
                    <>
                      <span
                        className={
                          u.learning ? "faint" : u.first ? "tag tag-bad" : u.rare ? "tag tag-warn" : "tag tag-good"
                        }
                      >
                        {u.learning ? w.learning : u.first ? w.firstTime : u.rare ? w.rare : w.common}
                      </span>{" "}
                      <span className="faint">
                        {w.of(n(u.count), n(u.total), n(u.days))}
                        {u.peers > 0 && `; ${w.peers(n(u.peers_with), n(u.peers))}`}
                      </span>
                    </>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
