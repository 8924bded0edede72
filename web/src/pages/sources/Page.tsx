import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { useStream } from "../../api/stream";
import type { Source } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { count, useWords } from "../../i18n/words";
import { Balance } from "../../ui/Balance";
import { Command } from "../../ui/Command";
import { EmptyState } from "../../ui/EmptyState";
import { duration } from "../../ui/format";
import { Hostile } from "../../ui/Hostile";
import { ListView } from "../../ui/ListView";
import { term } from "../../ui/pivot";
import { StateMark } from "../../ui/StateMark";
import { Time } from "../../ui/Time";
import type { Column } from "../../ui/VirtualTable";
import { readPolicy } from "./policy";
import { w as catalogue } from "./words";

/** Page is the collectors: how each does, and how far it is behind. */
export function Page() {
  const w = useWords(catalogue);
  const lang = useLang();
  const client = useQueryClient();
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  useStream("source", () => void client.invalidateQueries({ queryKey: ["list", "sources"] }));
  useEffect(() => {
    const t = setInterval(() => void client.invalidateQueries({ queryKey: ["list", "sources"] }), 30_000);
    return () => clearInterval(t);
  }, [client]);
  const columns = useMemo<Column<Source>[]>(
    () => [
      {
        id: "state",
        head: w.column.state,
        width: "96px",
        sort: "state",
        cell: (s) => <StateMark state={s.state} />,
      },
      {
        id: "name",
        head: w.column.name,
        width: "minmax(130px, 1.4fr)",
        sort: "name",
        cell: (s) => <Hostile text={s.name} />,
      },
      {
        id: "kind",
        head: w.column.kind,
        width: "100px",
        sort: "kind",
        min: 560,
        cell: (s) => (
          <span className="dim">
            <Hostile text={s.kind} />
          </span>
        ),
      },
      {
        id: "lag",
        head: w.column.lag,
        width: "100px",
        sort: "lag",
        align: "end",
        min: 620,
        cell: (s) => <span className="num dim">{s.lag_s ? duration(s.lag_s, lang) : "–"}</span>,
      },
      {
        id: "waiting",
        head: w.column.waiting,
        width: "86px",
        sort: "waiting",
        align: "end",
        min: 480,
        cell: (s) => <N n={s.waiting} />,
      },
      {
        id: "received",
        head: w.column.received,
        width: "106px",
        sort: "received",
        align: "end",
        min: 820,
        cell: (s) => <N n={s.received} />,
      },
      {
        id: "findings",
        head: w.column.findings,
        width: "86px",
        sort: "findings",
        align: "end",
        min: 900,
        cell: (s) => <N n={s.findings} />,
      },
      {
        id: "broken",
        head: w.column.broken,
        width: "96px",
        sort: "broken",
        align: "end",
        min: 980,
        cell: (s) => <N n={s.broken} bad />,
      },
      {
        id: "last",
        head: w.column.last,
        width: "100px",
        sort: "seen",
        align: "end",
        cell: (s) => <Time at={s.last_event} />,
      },
      {
        id: "error",
        head: w.column.error,
        width: "minmax(80px, 2fr)",
        min: 1080,
        cell: (s) =>
          s.error ? (
            <span className={s.state === "ok" ? "dim" : "tone-bad"}>
              <Hostile text={s.error} />
            </span>
          ) : (
            <span className="faint">–</span>
          ),
      },
    ],
    [w, lang],
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
      </div>
      <ListView<Source>
        list="sources"
        label={w.title}
        columns={columns}
        rowKey={(s) => s.name}
        sort="name"
        hint="state:late waiting:>1000 aws"
        presets={[
          { label: w.preset.ill, q: "state:failing,silent,late" },
          { label: w.preset.broken, q: "broken:>0" },
        ]}
        first={<First />}
        panel={(key, row, list) =>
          row ? <One source={row} /> : list.loading ? null : <EmptyState title={key} doc={w.gone} />
        }
      />
    </div>
  );
}

function N({ n, bad }: { n: number; bad?: boolean }) {
  const lang = useLang();
  return <span className={n === 0 ? "num faint" : bad ? "num tone-warn" : "num"}>{count(n, lang)}</span>;
}

function One({ source: s }: { source: Source }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const n = (x: number) => <span className="num">{count(x, lang)}</span>;
  return (
    <>
      <section className="section">
        <div className="row wrap">
          <h1>
            <Hostile text={s.name} />
          </h1>
          <span className="faint">
            <Hostile text={s.kind} />
          </span>
          <StateMark state={s.state} />
          {!!s.lag_s && (
            <span className="dim">
              {duration(s.lag_s, lang)} {w.lag}
            </span>
          )}
        </div>
        {s.error && (
          <div className={s.state === "ok" ? "notice one-error" : "notice notice-bad one-error"}>
            <span>
              <strong>{w.error}</strong> {s.error_at && <Time at={s.error_at} />}
              <br />
              <span className="mono">
                <Hostile text={s.error} />
              </span>
            </span>
          </div>
        )}
        <dl className="facts one-facts">
          <dt>{w.column.last}</dt>
          <dd>
            <Time at={s.last_event} mode="exact" />
          </dd>
          {s.waiting > 0 && s.oldest && (
            <>
              <dt>{w.oldest}</dt>
              <dd>
                <Time at={s.oldest} />
              </dd>
            </>
          )}
          <dt>{w.doc.objects}</dt>
          <dd className="num">
            {count(s.objects_done, lang)} / {count(s.objects, lang)}
          </dd>
        </dl>
      </section>
      <section className="section">
        <h2>{w.books}</h2>
        <Balance
          whole={{ label: w.column.received, n: s.received }}
          parts={[
            { label: w.doc.judged, n: s.judged, tone: "good" },
            { label: w.doc.waiting, n: s.waiting, tone: "warn" },
          ]}
        />
        <table className="table one-table">
          <tbody>
            <tr>
              <td>{w.doc.repeats}</td>
              <td className="num">{n(s.repeats)}</td>
            </tr>
            <tr>
              <td>{w.doc.broken}</td>
              <td className="num">
                {s.broken > 0 ? (
                  <Link href={`/ledger?${new URLSearchParams({ tab: "dead-letters", q: term("source", s.name) })}`}>
                    {n(s.broken)}
                  </Link>
                ) : (
                  n(0)
                )}
              </td>
            </tr>
            <tr>
              <td>{w.doc.own}</td>
              <td className="num">{n(s.own)}</td>
            </tr>
            <tr>
              <td>{w.doc.findings}</td>
              <td className="num">
                <Link href={`/findings?${new URLSearchParams({ q: term("source", s.name) })}`}>{n(s.findings)}</Link>
              </td>
            </tr>
          </tbody>
        </table>
      </section>
      {(s.accounts ?? []).length > 0 && (
        <section className="section">
          <h2>{w.accounts}</h2>
          <table className="table">
            <tbody>
              {s.accounts!.map((a) => (
                <tr key={a.id}>
                  <td>
                    <Link href={`/issues?${new URLSearchParams({ q: term("account", a.id) })}`}>
                      <Hostile text={a.name || a.id} />
                    </Link>{" "}
                    {a.name && <span className="faint mono">{a.id}</span>}
                  </td>
                  <td>{a.silent && <StateMark state="silent" word={w.silent} />}</td>
                  <td className="num">
                    <Time at={a.last} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <section className="section">
        <h2>{w.test}</h2>
        <p className="dim one-doc">{w.testDoc}</p>
        <Command text={`yagura source test ${/^[\w.-]+$/.test(s.name) ? s.name : `'${s.name}'`}`} />
      </section>
    </>
  );
}

function First() {
  const w = useWords(catalogue);
  return (
    <EmptyState
      title={w.first.title}
      doc={w.first.doc}
      steps={[
        {
          title: w.first.write,
          doc: w.first.writeDoc,
          code: "yagura init --source sqs --account 111122223333 --region ap-northeast-1 --bucket org-trail /etc/yagura",
        },
        { title: w.first.allow, doc: w.first.allowDoc, code: readPolicy },
        {
          title: w.first.check,
          doc: w.first.checkDoc,
          code: "yagura config check --resolve /etc/yagura/yagura.yaml\nyagura serve --config /etc/yagura/yagura.yaml",
        },
      ]}
    />
  );
}
