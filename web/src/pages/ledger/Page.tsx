import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { get, Problem } from "../../api/client";
import type { Ledger, LedgerSink } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useSearch } from "../../app/router";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { Balance } from "../../ui/Balance";
import { Command } from "../../ui/Command";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { Icon } from "../../ui/Icon";
import { term } from "../../ui/pivot";
import { ReadTable } from "../../ui/ReadTable";
import { TabBar } from "../../ui/TabBar";
import { Time } from "../../ui/Time";
import { DeadLetters } from "./DeadLetters";
import { w as catalogue } from "./words";
import "./ledger.css";

/** Page is the ledger: that nothing was lost, and what could not be judged. */
export function Page() {
  const w = useWords(catalogue);
  const lang = useLang();
  const tab = useSearch().tab === "dead-letters" ? "letters" : "books";
  const r = useQuery({
    queryKey: ["ledger"],
    queryFn: ({ signal }) => get<Ledger>("/ledger", signal),
    refetchInterval: 30_000,
  });
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  const dead = r.data?.dead_letters;
  const waits = dead ? dead.n - dead.retried : 0;
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        <TabBar
          label={w.title}
          tabs={[
            { href: "/ledger", label: w.tab.books, on: tab === "books" },
            {
              href: "/ledger?tab=dead-letters",
              label: w.tab.letters,
              on: tab === "letters",
              n: waits > 0 ? count(waits, lang) : undefined,
              tone: "warn",
            },
          ]}
        />
        <span className="grow" />
        {r.data && (
          <span className="faint">
            <Time at={r.data.at} mode="exact" />
          </span>
        )}
      </div>
      {tab === "letters" ? <DeadLetters /> : <Books ledger={r.data} error={r.error} retry={() => void r.refetch()} />}
    </div>
  );
}

function Books({ ledger, error, retry }: { ledger?: Ledger; error: Error | null; retry: () => void }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  if (!ledger)
    return error ? (
      <EmptyState
        title={error instanceof Problem && error.status === 403 ? core.state.forbidden : core.state.unreachable}
        doc={error instanceof Problem ? error.said(lang) : error.message}
        action={{ label: core.do.retry, run: retry }}
      />
    ) : (
      <div className="page-body" aria-busy="true" />
    );
  const sources = ledger.sources ?? [];
  const sinks = ledger.sinks ?? [];
  const sum = <T,>(list: T[], f: (x: T) => number) => list.reduce((n, x) => n + f(x), 0);
  const n = (x: number, tone?: string) => <span className={x === 0 ? "faint" : tone}>{count(x, lang)}</span>;
  const led = (x: number, href: string, tone?: string) => (x > 0 ? <Link href={href}>{n(x, tone)}</Link> : n(0));
  const told = (s: LedgerSink, state: "delivered" | "waiting" | "dead", tone?: string) =>
    led(
      s[state],
      `/sinks?${new URLSearchParams({ tab: "notices", q: `${term("sink", s.name)} state:${state}` })}`,
      tone,
    );
  const oldest = (s: { waiting: number; oldest?: string }) =>
    s.waiting > 0 && s.oldest ? <Time at={s.oldest} /> : <span className="faint">–</span>;
  // Between the columns of a sum stands how they make it.
  const sign = (text: string, id = text) => ({
    id,
    head: text,
    num: true,
    className: "ledger-op",
    cell: () => <span className="faint">{text}</span>,
  });
  const mark = (ok: boolean) => (
    <span className={ok ? "ledger-mark tone-good" : "ledger-mark tone-bad"}>
      <Icon name={ok ? "check" : "issue"} size={13} /> {ok ? w.yes : w.no}
    </span>
  );
  return (
    <div className="page-body ledger">
      <p className="dim ledger-lead">{w.lead}</p>
      {sources.length + sinks.length === 0 && <div className="notice">{w.none}</div>}
      {(ledger.faults ?? []).map((f) => (
        <div key={f} className="notice notice-bad ledger-fault" role="alert">
          <Hostile text={f} />
        </div>
      ))}
      <div className="ledger-sums">
        <section className="card card-body" aria-labelledby="records">
          <h2 id="records">{w.records.title}</h2>
          <Balance
            whole={{ label: w.records.received, n: sum(sources, (s) => s.received) }}
            parts={[
              { label: w.records.judged, n: sum(sources, (s) => s.judged), tone: "good" },
              { label: w.records.waiting, n: sum(sources, (s) => s.waiting), tone: "warn" },
            ]}
          />
        </section>
        <section className="card card-body" aria-labelledby="notices">
          <h2 id="notices">{w.notices.title}</h2>
          <Balance
            whole={{ label: w.notices.owed, n: sum(sinks, (s) => s.owed) }}
            parts={[
              { label: w.notices.delivered, n: sum(sinks, (s) => s.delivered), tone: "good" },
              { label: w.notices.waiting, n: sum(sinks, (s) => s.waiting), tone: "warn" },
              { label: w.notices.dead, n: sum(sinks, (s) => s.dead), tone: "bad" },
            ]}
          />
        </section>
      </div>
      {sources.length > 0 && (
        <section className="ledger-block" aria-labelledby="by-source">
          <h2 id="by-source">{w.source.title}</h2>
          <div className="table-wrap card">
            <ReadTable
              rows={sources}
              rowKey={(s) => s.name}
              columns={[
                {
                  id: "name",
                  head: w.source.name,
                  cell: (s) => (
                    <Link href={`/sources?open=${encodeURIComponent(s.name)}`}>
                      <Hostile text={s.name} />
                    </Link>
                  ),
                },
                { id: "received", head: w.source.received, num: true, cell: (s) => <strong>{n(s.received)}</strong> },
                sign("="),
                { id: "judged", head: w.source.judged, num: true, cell: (s) => n(s.judged) },
                sign("+"),
                { id: "waiting", head: w.source.waiting, num: true, cell: (s) => n(s.waiting, "tone-warn") },
                {
                  id: "sum",
                  head: w.source.sum,
                  cell: (s) => mark(s.balanced && s.received === s.judged + s.waiting),
                },
                { id: "kept", head: w.source.kept, num: true, cell: (s) => n(s.kept) },
                { id: "repeats", head: w.source.repeats, num: true, cell: (s) => n(s.repeats) },
                {
                  id: "broken",
                  head: w.source.broken,
                  num: true,
                  cell: (s) =>
                    led(
                      s.broken,
                      `/ledger?${new URLSearchParams({ tab: "dead-letters", q: term("source", s.name) })}`,
                      "tone-warn",
                    ),
                },
                { id: "own", head: w.source.own, num: true, cell: (s) => n(s.own) },
                {
                  id: "findings",
                  head: w.source.findings,
                  num: true,
                  cell: (s) => led(s.findings, `/findings?${new URLSearchParams({ q: term("source", s.name) })}`),
                },
                {
                  id: "objects",
                  head: w.source.objects,
                  num: true,
                  cell: (s) => (
                    <>
                      {count(s.objects_done, lang)}
                      <span className="faint"> / {count(s.objects, lang)}</span>
                    </>
                  ),
                },
                { id: "oldest", head: w.source.oldest, num: true, cell: oldest },
              ]}
            />
          </div>
        </section>
      )}
      {sinks.length > 0 && (
        <section className="ledger-block" aria-labelledby="by-sink">
          <h2 id="by-sink">{w.sink.title}</h2>
          <div className="table-wrap card">
            <ReadTable
              rows={sinks}
              rowKey={(s) => s.name}
              columns={[
                {
                  id: "name",
                  head: w.sink.name,
                  cell: (s) => (
                    <Link href={`/sinks?open=${encodeURIComponent(s.name)}`}>
                      <Hostile text={s.name} />
                    </Link>
                  ),
                },
                { id: "owed", head: w.sink.owed, num: true, cell: (s) => <strong>{n(s.owed)}</strong> },
                sign("="),
                { id: "delivered", head: w.sink.delivered, num: true, cell: (s) => told(s, "delivered") },
                sign("+"),
                { id: "waiting", head: w.sink.waiting, num: true, cell: (s) => told(s, "waiting", "tone-warn") },
                sign("+", "and"),
                { id: "dead", head: w.sink.dead, num: true, cell: (s) => told(s, "dead", "tone-bad") },
                {
                  id: "sum",
                  head: w.sink.sum,
                  cell: (s) => mark(s.balanced && s.owed === s.delivered + s.waiting + s.dead),
                },
                { id: "folded", head: w.sink.folded, num: true, cell: (s) => n(s.folded) },
                { id: "doubled", head: w.sink.doubled, num: true, cell: (s) => n(s.doubled) },
                { id: "oldest", head: w.sink.oldest, num: true, cell: oldest },
              ]}
            />
          </div>
        </section>
      )}
      <section className="ledger-block ledger-prove">
        <h2>{w.prove}</h2>
        <p className="dim">{w.proveDoc}</p>
        <Command text="yagura ledger" />
      </section>
    </div>
  );
}
