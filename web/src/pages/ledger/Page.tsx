import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { get, Problem } from "../../api/client";
import type { Ledger } from "../../api/types";
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
            <table className="table">
              <thead>
                <tr>
                  <th>{w.source.name}</th>
                  <th className="num">{w.source.received}</th>
                  <th className="num ledger-op">=</th>
                  <th className="num">{w.source.judged}</th>
                  <th className="num ledger-op">+</th>
                  <th className="num">{w.source.waiting}</th>
                  <th>{w.source.sum}</th>
                  <th className="num">{w.source.kept}</th>
                  <th className="num">{w.source.repeats}</th>
                  <th className="num">{w.source.broken}</th>
                  <th className="num">{w.source.own}</th>
                  <th className="num">{w.source.findings}</th>
                  <th className="num">{w.source.objects}</th>
                  <th className="num">{w.source.oldest}</th>
                </tr>
              </thead>
              <tbody>
                {sources.map((s) => (
                  <tr key={s.name}>
                    <td>
                      <Link href={`/sources?open=${encodeURIComponent(s.name)}`}>
                        <Hostile text={s.name} />
                      </Link>
                    </td>
                    <td className="num ledger-whole">{n(s.received)}</td>
                    <td className="num ledger-op faint">=</td>
                    <td className="num">{n(s.judged)}</td>
                    <td className="num ledger-op faint">+</td>
                    <td className="num">{n(s.waiting, "tone-warn")}</td>
                    <td>{mark(s.balanced && s.received === s.judged + s.waiting)}</td>
                    <td className="num">{n(s.kept)}</td>
                    <td className="num">{n(s.repeats)}</td>
                    <td className="num">
                      {s.broken > 0 ? (
                        <Link
                          href={`/ledger?${new URLSearchParams({ tab: "dead-letters", q: term("source", s.name) })}`}
                        >
                          {n(s.broken, "tone-warn")}
                        </Link>
                      ) : (
                        n(0)
                      )}
                    </td>
                    <td className="num">{n(s.own)}</td>
                    <td className="num">
                      {s.findings > 0 ? (
                        <Link href={`/findings?${new URLSearchParams({ q: term("source", s.name) })}`}>
                          {n(s.findings)}
                        </Link>
                      ) : (
                        n(0)
                      )}
                    </td>
                    <td className="num">
                      {count(s.objects_done, lang)}
                      <span className="faint"> / {count(s.objects, lang)}</span>
                    </td>
                    <td className="num">
                      {s.waiting > 0 && s.oldest ? <Time at={s.oldest} /> : <span className="faint">–</span>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      {sinks.length > 0 && (
        <section className="ledger-block" aria-labelledby="by-sink">
          <h2 id="by-sink">{w.sink.title}</h2>
          <div className="table-wrap card">
            <table className="table">
              <thead>
                <tr>
                  <th>{w.sink.name}</th>
                  <th className="num">{w.sink.owed}</th>
                  <th className="num ledger-op">=</th>
                  <th className="num">{w.sink.delivered}</th>
                  <th className="num ledger-op">+</th>
                  <th className="num">{w.sink.waiting}</th>
                  <th className="num ledger-op">+</th>
                  <th className="num">{w.sink.dead}</th>
                  <th>{w.sink.sum}</th>
                  <th className="num">{w.sink.folded}</th>
                  <th className="num">{w.sink.doubled}</th>
                  <th className="num">{w.sink.oldest}</th>
                </tr>
              </thead>
              <tbody>
                {sinks.map((s) => {
                  const link = (state: string, x: number, tone?: string) =>
                    x > 0 ? (
                      <Link
                        href={`/sinks?${new URLSearchParams({ tab: "notices", q: `${term("sink", s.name)} state:${state}` })}`}
                      >
                        {n(x, tone)}
                      </Link>
                    ) : (
                      n(0)
                    );
                  return (
                    <tr key={s.name}>
                      <td>
                        <Link href={`/sinks?open=${encodeURIComponent(s.name)}`}>
                          <Hostile text={s.name} />
                        </Link>
                      </td>
                      <td className="num ledger-whole">{n(s.owed)}</td>
                      <td className="num ledger-op faint">=</td>
                      <td className="num">{link("delivered", s.delivered)}</td>
                      <td className="num ledger-op faint">+</td>
                      <td className="num">{link("waiting", s.waiting, "tone-warn")}</td>
                      <td className="num ledger-op faint">+</td>
                      <td className="num">{link("dead", s.dead, "tone-bad")}</td>
                      <td>{mark(s.balanced && s.owed === s.delivered + s.waiting + s.dead)}</td>
                      <td className="num">{n(s.folded)}</td>
                      <td className="num">{n(s.doubled)}</td>
                      <td className="num">
                        {s.waiting > 0 && s.oldest ? <Time at={s.oldest} /> : <span className="faint">–</span>}
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
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
