import { useMemo } from "react";
import type { Notice } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useWords } from "../../i18n/words";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { ListView } from "../../ui/ListView";
import { Retry } from "../../ui/Retry";
import { StateMark } from "../../ui/StateMark";
import { Time } from "../../ui/Time";
import type { Column } from "../../ui/VirtualTable";
import { w as catalogue } from "./words";

/** Notices are what sinks are owed, and were. */
export function Notices() {
  const w = useWords(catalogue);
  const lang = useLang();
  const op = (n: Notice) => (w.op as Record<string, string>)[n.op] ?? n.op;
  const columns = useMemo<Column<Notice>[]>(
    () => [
      { id: "state", head: w.notice.state, width: "100px", cell: (n) => <StateMark state={n.state} /> },
      { id: "op", head: w.notice.op, width: "130px", min: 520, cell: (n) => op(n) },
      { id: "sink", head: w.notice.sink, width: "minmax(90px, 1fr)", cell: (n) => <Hostile text={n.sink} /> },
      {
        id: "issue",
        head: w.notice.issue,
        width: "minmax(120px, 1.2fr)",
        min: 640,
        cell: (n) =>
          n.issue_id ? (
            <Link href={`/issues/${n.issue_id}`} className={n.title ? "" : "mono"}>
              <Hostile text={(lang === "ja" && n.title_ja) || n.title || n.issue_id} />
            </Link>
          ) : (
            <span className="faint">–</span>
          ),
      },
      {
        id: "attempts",
        head: w.notice.attempts,
        width: "76px",
        sort: "attempts",
        align: "end",
        min: 700,
        cell: (n) => <span className="num dim">{n.attempts}</span>,
      },
      {
        id: "created",
        head: w.notice.created,
        width: "96px",
        sort: "created",
        align: "end",
        cell: (n) => <Time at={n.created} />,
      },
      {
        id: "done",
        head: w.notice.done,
        width: "96px",
        sort: "done",
        align: "end",
        min: 800,
        cell: (n) => (n.done ? <Time at={n.done} /> : <span className="faint">–</span>),
      },
      {
        id: "error",
        head: w.notice.detail,
        width: "minmax(100px, 2fr)",
        min: 900,
        cell: (n) =>
          n.error && n.state !== "delivered" ? (
            <span className={n.state === "dead" ? "tone-bad" : "tone-warn"}>
              <Hostile text={n.error} />
            </span>
          ) : (
            <span className="dim">
              <Hostile text={n.detail ?? ""} />
            </span>
          ),
      },
    ],
    [w, lang],
  );
  return (
    <ListView<Notice>
      list="notices"
      label={w.tab.notices}
      columns={columns}
      rowKey={(n) => n.id}
      sort="-created"
      hint="state:dead sink:slack created:24h"
      presets={[
        { label: w.preset.dead, q: "state:dead" },
        { label: w.preset.waiting, q: "state:waiting" },
      ]}
      first={<EmptyState title={w.none} doc={w.noneDoc} />}
      panel={(_, row, list) => (row ? <One notice={row} /> : list.loading ? null : <EmptyState title={w.goneNotice} />)}
    />
  );
}

function One({ notice: n }: { notice: Notice }) {
  const w = useWords(catalogue);
  return (
    <section className="section">
      <div className="row wrap">
        <h1>{(w.op as Record<string, string>)[n.op] ?? n.op}</h1>
        <span className="faint">→</span>
        <Hostile text={n.sink} />
        <StateMark state={n.state} />
        <span className="grow" />
        <Retry notice={n} />
      </div>
      {n.error && n.state !== "delivered" && (
        <div className={n.state === "dead" ? "notice notice-bad one-error" : "notice notice-warn one-error"}>
          <span className="mono">
            <Hostile text={n.error} />
          </span>
        </div>
      )}
      <dl className="facts one-facts">
        {n.issue_id && (
          <>
            <dt>{w.notice.issue}</dt>
            <dd>
              <Link href={`/issues/${n.issue_id}`} className="mono">
                {n.issue_id}
              </Link>
            </dd>
          </>
        )}
        <dt>{w.notice.created}</dt>
        <dd>
          <Time at={n.created} mode="exact" />
        </dd>
        {n.state === "waiting" && n.due && (
          <>
            <dt>{w.notice.due}</dt>
            <dd>
              <Time at={n.due} />
            </dd>
          </>
        )}
        {n.done && (
          <>
            <dt>{w.notice.done}</dt>
            <dd>
              <Time at={n.done} mode="exact" />
            </dd>
          </>
        )}
        <dt>{w.notice.attempts}</dt>
        <dd className="num">{n.attempts}</dd>
        {n.detail && (
          <>
            <dt>{w.notice.detail}</dt>
            <dd>
              <Hostile text={n.detail} />
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}
