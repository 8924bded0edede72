import { lazy, type ReactNode, Suspense, useMemo } from "react";
import type { CountryFlow, Overview, Source } from "../../api/types";
import { go } from "../../app/go";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { count, short, useWords } from "../../i18n/words";
import { bytes, duration } from "../../ui/format";
import { Hostile } from "../../ui/Hostile";
import { term } from "../../ui/pivot";
import { BarCell, ReadTable } from "../../ui/ReadTable";
import { StateMark } from "../../ui/StateMark";
import { Time } from "../../ui/Time";
import { listHref } from "./urgent";
import { w as catalogue } from "./words";

const TimeChart = lazy(() => import("../../ui/TimeChart").then((m) => ({ default: m.TimeChart })));

function Card({
  id,
  title,
  doc,
  all,
  className,
  children,
}: {
  id: string;
  title: string;
  doc?: ReactNode;
  all?: { href: string; label: string };
  className?: string;
  children: ReactNode;
}) {
  return (
    <section className={`card ${className ?? ""}`} aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>{title}</h2>
        {doc && <span className="faint">{doc}</span>}
        <span className="grow" />
        {all && (
          <Link href={all.href} className="dim card-all">
            {all.label}
          </Link>
        )}
      </div>
      {children}
    </section>
  );
}

/** Hours is what came and what was found, hour by hour. */
export function Hours({ o }: { o: Overview }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const hours = o.hours ?? [];
  const sum = (f: (h: (typeof hours)[number]) => number) => hours.reduce((n, h) => n + f(h), 0);
  const at = useMemo(() => hours.map((h) => h.at), [o.hours]);
  const events = sum((h) => h.events);
  const known = o.events_known !== false;
  const broken = sum((h) => h.broken ?? 0);
  const side: "left" | "right" = known ? "right" : "left";
  const series = useMemo(
    () => [
      // Without a lake nobody knows the events; the findings are then the measure.
      ...(known ? [{ label: w.hours.events, values: hours.map((h) => h.events), tone: "--accent" }] : []),
      {
        label: w.hours.findings,
        values: hours.map((h) => h.findings),
        tone: "--warn",
        kind: "line" as const,
        side,
      },
      ...(broken > 0
        ? [
            {
              label: w.hours.broken,
              values: hours.map((h) => h.broken ?? 0),
              tone: "--bad",
              kind: "line" as const,
              side,
            },
          ]
        : []),
    ],
    [o.hours, w, broken, known, side],
  );

  return (
    <Card id="hours" title={w.hours.title} doc={w.hours.doc} className="ov-hours">
      {events === 0 && sum((h) => h.findings) === 0 ? (
        <p className="card-none dim">
          {w.hours.none}. {w.hours.noneDoc}
        </p>
      ) : (
        <div className="card-chart" title={w.hours.pick}>
          <Suspense fallback={<div className="chart-wait" />}>
            <TimeChart
              at={at}
              series={series}
              height={190}
              label={w.hours.label(
                count(events, lang),
                count(
                  sum((h) => h.findings),
                  lang,
                ),
              )}
              onPick={(i) => {
                const from = new Date(Date.parse(at[i]!));
                const to = new Date(from.getTime() + 3_599_000);
                const iso = (d: Date) => d.toISOString().replace(/\.\d+Z$/, "Z");
                go(listHref("findings", `time:${iso(from)}..${iso(to)}`));
              }}
            />
          </Suspense>
        </div>
      )}
    </Card>
  );
}

/** Countries is where records say that their addresses are. */
export function Countries({ o }: { o: Overview }) {
  const w = useWords(catalogue);
  const lang = useLang();
  // What is not known is mostly far more than the rest: it stands last, and is no measure.
  const all = o.countries ?? [];
  const known = all.filter((c) => c.country !== "");
  const list = [...known.slice(0, 8), ...all.filter((c) => c.country === "")];
  const max = Math.max(1, ...known.map((c) => c.events));
  const counted = all.some((c) => c.findings !== undefined);
  const name = (code: string) => {
    if (!code) return w.countries.unknown;
    try {
      return new Intl.DisplayNames([lang], { type: "region" }).of(code) ?? code;
    } catch {
      return code; // no code of a country
    }
  };
  return (
    <Card id="countries" title={w.countries.title} doc={w.countries.doc} className="ov-countries">
      {list.length === 0 ? (
        <p className="card-none dim">{w.countries.none}</p>
      ) : (
        <ReadTable
          className="ov-table"
          rows={list}
          rowKey={(c) => c.country}
          columns={[
            {
              id: "country",
              head: w.countries.country,
              className: "bar-cell",
              cell: (c) => (
                <BarCell share={c.country ? Math.sqrt(c.events / max) : 0}>
                  <span className={c.country ? "bar-front cut" : "bar-front cut dim"}>
                    {c.country.length === 2 && <span className="mono faint country-code">{c.country}</span>}
                    <Hostile text={name(c.country)} />
                  </span>
                </BarCell>
              ),
            },
            {
              id: "events",
              head: w.countries.events,
              num: true,
              cell: (c) => <Link href={listHref("events", c.q)}>{count(c.events, lang)}</Link>,
            },
            ...(counted
              ? [
                  {
                    id: "findings",
                    head: w.countries.findings,
                    num: true,
                    className: "dim",
                    cell: (c: CountryFlow) => (c.findings === undefined ? "–" : count(c.findings, lang)),
                  },
                ]
              : []),
          ]}
        />
      )}
    </Card>
  );
}

/** Noisy are the rules that found most. */
export function Noisy({ o }: { o: Overview }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const list = (o.noisy ?? []).slice(0, 8);
  const max = Math.max(1, ...list.map((r) => r.findings));
  return (
    <Card
      id="noisy"
      title={w.noisy.title}
      doc={w.noisy.doc}
      all={{ href: "/rules?sort=-noise", label: w.attack.rules }}
      className="ov-noisy"
    >
      {list.length === 0 ? (
        <p className="card-none dim">{w.noisy.none}</p>
      ) : (
        <ReadTable
          className="ov-table"
          rows={list}
          rowKey={(r) => r.rule.id}
          columns={[
            {
              id: "rule",
              head: w.noisy.rule,
              className: "bar-cell",
              cell: (r) => (
                <BarCell share={Math.sqrt(r.findings / max)}>
                  <Link href={`/rules/${encodeURIComponent(r.rule.id)}`} className="bar-front cut">
                    <Hostile text={(lang === "ja" && r.rule.title_ja) || r.rule.title || r.rule.id} />
                  </Link>
                </BarCell>
              ),
            },
            {
              id: "findings",
              head: w.noisy.findings,
              num: true,
              cell: (r) => (
                <Link href={listHref("findings", r.q || `${term("rule", r.rule.id)} seen:7d`)}>
                  {count(r.findings, lang)}
                </Link>
              ),
            },
            {
              id: "issues",
              head: w.noisy.issues,
              num: true,
              cell: (r) => <Link href={listHref("issues", term("rule", r.rule.id))}>{count(r.issues, lang)}</Link>,
            },
            { id: "day", head: w.noisy.day, num: true, className: "dim", cell: (r) => short(r.per_day, lang) },
          ]}
        />
      )}
    </Card>
  );
}

/** Sources are the collectors; those that ail stand first. */
export function Sources({ o }: { o: Overview }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const rank: Record<Source["state"], number> = { failing: 0, silent: 1, late: 2, waiting: 3, ok: 4 };
  const list = [...(o.sources ?? [])].sort((a, b) => rank[a.state] - rank[b.state] || a.name.localeCompare(b.name));
  return (
    <Card id="sources" title={w.sources.title} all={{ href: "/sources", label: w.sources.all }} className="ov-sources">
      {list.length === 0 ? (
        <p className="card-none dim">{w.sources.none}</p>
      ) : (
        <ReadTable
          className="ov-table"
          rows={list.slice(0, 8)}
          rowKey={(s) => s.name}
          columns={[
            {
              id: "source",
              head: w.sources.source,
              cell: (s) => (
                <>
                  <Link href={`/sources?open=${encodeURIComponent(s.name)}`} className="cut">
                    <Hostile text={s.name} />
                  </Link>{" "}
                  <span className="faint">
                    <Hostile text={s.kind} />
                  </span>
                </>
              ),
            },
            {
              id: "state",
              head: w.sources.state,
              cell: (s) => <StateMark state={s.state} word={w.state[s.state]} />,
            },
            {
              id: "lag",
              head: w.sources.lag,
              num: true,
              className: "dim",
              cell: (s) => (s.lag_s ? duration(s.lag_s, lang) : "–"),
            },
            { id: "waiting", head: w.sources.waiting, num: true, cell: (s) => count(s.waiting, lang) },
            { id: "last", head: w.sources.last, num: true, cell: (s) => <Time at={s.last_event} /> },
          ]}
        />
      )}
    </Card>
  );
}

/** Sinks are where people are told, with what is owed and what never arrived. */
export function Sinks({ o }: { o: Overview }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const list = o.sinks ?? [];
  const notices = (sink: string, state: string, n: number) =>
    n === 0 ? (
      <span className="faint">0</span>
    ) : (
      <Link
        href={`/sinks?${new URLSearchParams({ tab: "notices", q: `${term("sink", sink)} state:${state}` })}`}
        className={state === "dead" ? "tone-bad" : undefined}
      >
        {count(n, lang)}
      </Link>
    );
  return (
    <Card id="sinks" title={w.sinks.title} all={{ href: "/sinks", label: w.sinks.all }} className="ov-sinks">
      {list.length === 0 ? (
        <p className="card-none dim">{w.sinks.none}</p>
      ) : (
        <ReadTable
          className="ov-table"
          rows={list.slice(0, 8)}
          rowKey={(s) => s.name}
          columns={[
            {
              id: "sink",
              head: w.sinks.sink,
              cell: (s) => (
                <>
                  <Link href={`/sinks?open=${encodeURIComponent(s.name)}`}>
                    <Hostile text={s.name} />
                  </Link>{" "}
                  <span className="faint">
                    <Hostile text={s.kind} />
                  </span>
                </>
              ),
            },
            { id: "waiting", head: w.sinks.waiting, num: true, cell: (s) => notices(s.name, "waiting", s.waiting) },
            { id: "dead", head: w.sinks.dead, num: true, cell: (s) => notices(s.name, "dead", s.dead) },
            {
              id: "oldest",
              head: w.sinks.oldest,
              num: true,
              className: "dim",
              cell: (s) => (s.waiting > 0 ? <Time at={s.oldest} /> : "–"),
            },
          ]}
        />
      )}
      <Link
        href={`/ledger?${new URLSearchParams({ tab: "dead-letters", q: o.dead_letters.q || "retried:no" })}`}
        className="card-foot"
      >
        <span>{w.sinks.letters}</span>
        <span className={o.dead_letters.n > 0 ? "num tone-warn" : "num faint"}>{count(o.dead_letters.n, lang)}</span>
      </Link>
    </Card>
  );
}

// US dollars for a GB (10⁹ bytes) and month.
const perGB = 0.025;

/** Lake is what is kept, for how long, and what it costs to keep. */
export function Lake({ o }: { o: Overview }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const l = o.lake;
  if (!l)
    return (
      <Card id="lake" title={w.lake.title} className="ov-lake">
        <p className="card-none dim">
          {w.lake.off}. {w.lake.offDoc}
        </p>
      </Card>
    );
  const usd = (l.bytes / 1e9) * perGB;
  return (
    <Card id="lake" title={w.lake.title} className="ov-lake">
      <dl className="facts card-body">
        <dt>{w.lake.size}</dt>
        <dd>
          <strong className="num">{bytes(l.bytes, lang)}</strong>
          {!!l.raw_bytes && l.raw_bytes > l.bytes && (
            <span className="faint"> · {w.lake.raw(bytes(l.raw_bytes, lang))}</span>
          )}
        </dd>
        <dt>{w.lake.records}</dt>
        <dd className="num">
          {count(l.records, lang)} <span className="faint">{w.lake.files(count(l.files, lang))}</span>
        </dd>
        <dt>{w.lake.oldest}</dt>
        <dd>
          <Time at={l.oldest} mode="exact" />
        </dd>
        <dt>{w.lake.newest}</dt>
        <dd>
          <Time at={l.newest} />
        </dd>
        <dt>{w.lake.retention}</dt>
        <dd>
          {l.retention_days ? w.lake.days(l.retention_days) : w.lake.forever}
          {l.raw_days !== l.retention_days && <span className="faint"> {w.lake.rawDays(l.raw_days)}</span>}
          {!!l.most_bytes && <span className="faint"> {w.lake.most(bytes(l.most_bytes, lang))}</span>}
        </dd>
        {!!l.per_day_bytes && (
          <>
            <dt>{w.lake.growth}</dt>
            <dd className="num">{w.lake.perDay(bytes(l.per_day_bytes, lang))}</dd>
          </>
        )}
        {/* A folder costs what its disk does: what S3 would is said as that. */}
        <dt>{l.in === "s3" ? w.lake.cost : w.lake.costInS3}</dt>
        <dd title={w.lake.costDoc}>
          {usd < 0.01 ? w.lake.costLittle : w.lake.costValue(usd.toFixed(usd < 10 ? 2 : 0))}
        </dd>
      </dl>
    </Card>
  );
}
