import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { Problem, post } from "../../api/client";
import { useStream } from "../../api/stream";
import type { Sink } from "../../api/types";
import { go } from "../../app/go";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useSearch } from "../../app/router";
import { useCan } from "../../app/session";
import { say } from "../../app/undo";
import { count, useWords } from "../../i18n/words";
import { Balance } from "../../ui/Balance";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { ListView } from "../../ui/ListView";
import { term } from "../../ui/pivot";
import { StateMark } from "../../ui/StateMark";
import { TabBar } from "../../ui/TabBar";
import { Time } from "../../ui/Time";
import type { Column } from "../../ui/VirtualTable";
import { Notices } from "./Notices";
import { w as catalogue } from "./words";

const noticesHref = (q = "") => `/sinks?${new URLSearchParams({ tab: "notices", ...(q ? { q } : {}) })}`;

/** Page is where notices go, what is owed there, and what never arrived. */
export function Page() {
  const w = useWords(catalogue);
  const tab = useSearch().tab === "notices" ? "notices" : "sinks";
  const client = useQueryClient();
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  const anew = () => {
    void client.invalidateQueries({ queryKey: ["list", "sinks"] });
    void client.invalidateQueries({ queryKey: ["list", "notices"] });
  };
  useStream("notice", anew);
  useEffect(() => {
    const t = setInterval(anew, 30_000);
    return () => clearInterval(t);
  }, [client]);
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        <TabBar
          label={w.title}
          tabs={[
            { href: "/sinks", label: w.tab.sinks, on: tab === "sinks" },
            { href: noticesHref(), label: w.tab.notices, on: tab === "notices" },
          ]}
        />
      </div>
      {tab === "notices" ? <Notices key="notices" /> : <Sinks key="sinks" />}
    </div>
  );
}

function Sinks() {
  const w = useWords(catalogue);
  const lang = useLang();
  const columns = useMemo<Column<Sink>[]>(() => {
    const n = (s: Sink, state: "waiting" | "dead" | "delivered") =>
      s[state] === 0 ? (
        <span className="faint num">0</span>
      ) : (
        <Link
          href={noticesHref(`${term("sink", s.name)} state:${state}`)}
          className={state === "dead" ? "num tone-bad" : "num"}
        >
          {count(s[state], lang)}
        </Link>
      );
    return [
      { id: "state", head: w.column.state, width: "96px", min: 420, cell: (s) => <StateMark state={stateOf(s)} /> },
      {
        id: "name",
        head: w.column.name,
        width: "minmax(120px, 1.3fr)",
        sort: "name",
        cell: (s) => <Hostile text={s.name} />,
      },
      {
        id: "kind",
        head: w.column.kind,
        width: "110px",
        sort: "kind",
        min: 560,
        cell: (s) => (
          <span className="dim">
            <Hostile text={s.kind} />
          </span>
        ),
      },
      {
        id: "waiting",
        head: w.column.waiting,
        width: "80px",
        sort: "waiting",
        align: "end",
        cell: (s) => n(s, "waiting"),
      },
      { id: "dead", head: w.column.dead, width: "80px", sort: "dead", align: "end", cell: (s) => n(s, "dead") },
      {
        id: "delivered",
        head: w.column.delivered,
        width: "96px",
        sort: "delivered",
        align: "end",
        min: 640,
        cell: (s) => n(s, "delivered"),
      },
      {
        id: "oldest",
        head: w.column.oldest,
        width: "120px",
        sort: "oldest",
        align: "end",
        min: 760,
        cell: (s) => (s.waiting > 0 ? <Time at={s.oldest} /> : <span className="faint">–</span>),
      },
      {
        id: "error",
        head: w.column.error,
        width: "minmax(80px, 2fr)",
        min: 900,
        cell: (s) =>
          s.error ? (
            <span className={s.dead > 0 ? "tone-bad" : "dim"}>
              <Hostile text={s.error} />
            </span>
          ) : (
            <span className="faint">–</span>
          ),
      },
    ];
  }, [w, lang]);
  return (
    <ListView<Sink>
      list="sinks"
      label={w.title}
      columns={columns}
      rowKey={(s) => s.name}
      sort="name"
      hint="dead:>0 kind:slack"
      presets={[{ label: w.preset.dead, q: "dead:>0" }]}
      first={<First />}
      panel={(key, row, list) =>
        row ? <One sink={row} /> : list.loading ? null : <EmptyState title={key} doc={w.gone} />
      }
    />
  );
}

/** stateOf is how a sink does; a server that does not say lets the books speak. */
export function stateOf(s: Pick<Sink, "state" | "dead">): "ok" | "late" | "failing" {
  return s.state ?? (s.dead > 0 ? "failing" : "ok");
}

function One({ sink: s }: { sink: Sink }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const can = useCan("configure");
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const test = async () => {
    setBusy(true);
    try {
      await post(`/sinks/${encodeURIComponent(s.name)}/test`);
      say(w.tested(s.name));
      void client.invalidateQueries({ queryKey: ["list", "sinks"] });
      go(noticesHref(`${term("sink", s.name)} op:test`));
    } catch (err) {
      say(w.test, "error", err instanceof Problem ? err.said(lang) : String(err));
    } finally {
      setBusy(false);
    }
  };
  const link = (state: string) => noticesHref(`${term("sink", s.name)} state:${state}`);
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
          <StateMark state={stateOf(s)} />
        </div>
        {s.error && (
          <div className={s.dead > 0 ? "notice notice-bad one-error" : "notice one-error"}>
            <span>
              <strong>{w.column.error}</strong>
              <br />
              <span className="mono">
                <Hostile text={s.error} />
              </span>
            </span>
          </div>
        )}
        <div className="row wrap one-facts">
          {can && (
            <Button variant="filled" loading={busy} onClick={() => void test()} title={w.testDoc}>
              {w.test}
            </Button>
          )}
          <Button component={Link} href={noticesHref(term("sink", s.name))} variant="subtle">
            {w.allNotices}
          </Button>
        </div>
      </section>
      <section className="section">
        <h2>{w.books}</h2>
        <Balance
          whole={{ label: w.owed, n: s.owed }}
          parts={[
            { label: w.delivered, n: s.delivered, tone: "good", href: link("delivered") },
            { label: w.waiting, n: s.waiting, tone: "warn", href: link("waiting") },
            { label: w.dead, n: s.dead, tone: "bad", href: link("dead") },
          ]}
        />
        <table className="table one-table">
          <tbody>
            <tr>
              <td>{w.folded}</td>
              <td className="num">{count(s.folded, lang)}</td>
            </tr>
            <tr>
              <td>{w.doubled}</td>
              <td className="num">{count(s.doubled, lang)}</td>
            </tr>
          </tbody>
        </table>
      </section>
    </>
  );
}

const slack = `sinks:
  - name: slack
    slack:
      token: ref+env://SLACK_BOT_TOKEN
      channel: "#security"`;

function First() {
  const w = useWords(catalogue);
  return (
    <EmptyState
      title={w.first.title}
      doc={w.first.doc}
      steps={[
        { title: w.first.write, doc: w.first.writeDoc, code: slack },
        { title: w.first.try, doc: w.first.tryDoc, code: "yagura sink test slack" },
        { title: w.first.route, doc: <Link href="/policy">{w.first.routeDoc}</Link> },
      ]}
    />
  );
}
