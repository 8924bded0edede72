import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { get, Problem, query } from "../../api/client";
import { eventHref } from "../../api/events";
import type { Entity, EventPage } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCan } from "../../app/session";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { SeverityBadge } from "../../ui/Badges";
import { CopyMenu } from "../../ui/Copy";
import { EmptyState } from "../../ui/EmptyState";
import { bytes } from "../../ui/format";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { asKQL, term } from "../../ui/pivot";
import { RawEvent } from "../../ui/RawEvent";
import { Time } from "../../ui/Time";
import { EntityLink } from "../../ui/Value";
import { w as catalogue } from "../events/words";
import "../finding/finding.css";

const events = (q: string) => `/events?${new URLSearchParams({ q })}`;

/** EventView is one record of the lake, with its header and what rules said of it. */
export function EventView({ event }: { event: { key: string; time?: string; format?: string } }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const hunt = useCan("hunt");
  const { key, time, format } = event;
  const path = `/events/${encodeURIComponent(key)}${query({ time, format })}`;
  const r = useQuery({
    queryKey: ["event", key, time, format],
    queryFn: ({ signal }) => get<EventPage>(path, signal),
    retry: false,
  });
  const e = r.data;
  useEffect(() => {
    if (e && location.pathname.startsWith("/events/")) document.title = `${plain(e.action || w.title)} · Yagura`;
  }, [e, w]);
  if (r.error)
    return (
      <EmptyState
        title={r.error instanceof Problem && r.error.status !== 404 ? r.error.said(lang) : w.gone}
        doc={w.goneDoc}
      />
    );
  if (!e) return <p className="dim plain">{core.state.loading}</p>;
  const row = (label: string, value: React.ReactNode) =>
    value ? (
      <>
        <dt>{label}</dt>
        <dd>{value}</dd>
      </>
    ) : null;
  // What the header names leads on where it stands in the record.
  const named: Entity[] = [
    ...(e.actor.id ? [{ type: e.actor.type || "user", id: e.actor.id }] : []),
    ...(e.src_ip ? [{ type: "ip", id: e.src_ip }] : []),
    ...(e.account ? [{ type: "account", id: e.account }] : []),
    ...e.targets,
  ];
  const text = (s?: string) => s && <Hostile mono text={s} />;
  return (
    <>
      <section className="section">
        <div className="row wrap">
          <span className="mono dim">{e.format}</span>
          {e.outcome && e.outcome !== "unknown" && (
            <span className={e.outcome === "failure" ? "tag tag-warn" : "tag"}>
              {(w.outcome as Record<string, string>)[e.outcome] ?? e.outcome}
            </span>
          )}
          <span className="grow" />
          <span className="faint">{e.time && <Time at={e.time} mode="exact" />}</span>
        </div>
        <h1 className="finding-title">
          <Hostile mono text={e.action || e.id || e.key} />
        </h1>
        <div className="row wrap">
          {e.time && (
            <Button component={Link} href={events(around(e.time))}>
              {w.list}
            </Button>
          )}
          {e.actor.id && (
            <Button component={Link} href={events(term("actor", e.actor.id))} variant="subtle">
              {w.sameActor}
            </Button>
          )}
          {e.src_ip && (
            <Button component={Link} href={events(term("ip", e.src_ip))} variant="subtle">
              {w.sameIP}
            </Button>
          )}
          {hunt && (
            <Button
              component={Link}
              href={`/hunt?${new URLSearchParams({ lang: "kql", q: asKQL(e) })}`}
              variant="subtle"
            >
              {w.hunt}
            </Button>
          )}
        </div>
        <dl className="facts finding-facts">
          {row(
            w.facts.actor,
            e.actor.id && (
              <EntityLink type={e.actor.type || "user"} id={e.actor.id} label={e.actor.name || e.actor.id} />
            ),
          )}
          {row(w.facts.session, text(e.actor.session_of))}
          {row(w.facts.ip, e.src_ip && <EntityLink type="ip" id={e.src_ip} />)}
          {row(
            w.facts.account,
            e.account && <EntityLink type="account" id={e.account} label={e.account_name || e.account} />,
          )}
          {row(w.facts.region, text(e.region))}
          {row(w.facts.service, text(e.service))}
          {row(w.facts.error, text(e.error))}
          {row(w.facts.key, e.access_key && <EntityLink type="key" id={e.access_key} />)}
          {row(w.facts.agent, text(e.user_agent))}
          {row(
            w.facts.targets,
            e.targets.length > 0 &&
              e.targets.map((t) => (
                <div key={`${t.type}=${t.id}`}>
                  <EntityLink type={t.type} id={t.id} />
                </div>
              )),
          )}
          {e.more.map((m) => (
            <div key={m.name} className="finding-row">
              <dt className="mono">{m.name}</dt>
              <dd>
                <Hostile mono text={m.value} />
              </dd>
            </div>
          ))}
          {row(w.facts.id, text(e.id))}
          {row(
            w.facts.source,
            <>
              <Link href={`/sources?open=${encodeURIComponent(e.source)}`}>
                <Hostile text={e.source} />
              </Link>{" "}
              <span className="faint">
                <Hostile mono text={e.object} /> · {w.facts.record(String(e.record))}
              </span>
            </>,
          )}
          {row(w.facts.seen, e.seen && <Time at={e.seen} mode="exact" />)}
          {row(w.facts.size, <span className="num">{bytes(e.size, lang)}</span>)}
        </dl>
      </section>
      <section className="section">
        <h2>{w.findings}</h2>
        {e.findings.length === 0 ? (
          <p className="dim finding-none">{w.noFindings}</p>
        ) : (
          <table className="table">
            <tbody>
              {e.findings.map((f) => (
                <tr key={f.id}>
                  <td>
                    <SeverityBadge level={f.judged ?? f.severity} />
                  </td>
                  <td>
                    <Link href={`/findings/${encodeURIComponent(f.id)}`}>
                      <Hostile text={(lang === "ja" && f.rule_title_ja) || f.rule.title || f.rule.id} />
                    </Link>
                  </td>
                  <td className="num">
                    {f.issue_id && <Link href={`/issues/${f.issue_id}`}>{core.entity.issue}</Link>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section className="section">
        <div className="section-head">
          <h2>{w.record}</h2>
          <span className="grow" />
          <CopyMenu of={{ event: e, raw: e.raw || undefined, path, link: eventHref(e) }} />
        </div>
        {!!e.others && <p className="dim finding-none">{w.others(e.others)}</p>}
        {e.raw_base64 && <p className="dim finding-none">{w.binary}</p>}
        {e.raw ? (
          <RawEvent raw={e.raw} limit={120} entities={named} />
        ) : (
          <p className="dim finding-none">{e.missing === "expired" ? w.expired : e.missing}</p>
        )}
      </section>
    </>
  );
}

/** around is five minutes to both sides of a time, as a query. */
export function around(time: string): string {
  const at = Date.parse(time);
  const iso = (t: number) => new Date(t).toISOString().replace(/\.\d+Z$/, "Z");
  return `time:${iso(at - 300_000)}..${iso(at + 300_000)}`;
}
