import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { base, get, Problem, query } from "../../api/client";
import { useList } from "../../api/list";
import { useLive, useStream } from "../../api/stream";
import type { Issue } from "../../api/types";
import { go, withSearch } from "../../app/go";
import { Link } from "../../app/Link";
import { usePrefs } from "../../app/prefs";
import { useSearch } from "../../app/router";
import { useOverlay } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { SeverityBadge, StatusBadge } from "../../ui/Badges";
import { CopyMenu } from "../../ui/Copy";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { Icon } from "../../ui/Icon";
import { QueryBar } from "../../ui/QueryBar";
import { SidePanel } from "../../ui/SidePanel";
import { Time } from "../../ui/Time";
import { type Column, VirtualTable } from "../../ui/VirtualTable";
import { place } from "../issue/change";
import { Actions } from "./Actions";
import { Facets } from "./Facets";
import { shipped, Views } from "./Views";
import { w as catalogue } from "./words";
import "./issues.css";

const IssueView = lazy(() => import("../issue/IssueView").then((m) => ({ default: m.IssueView })));

const FACETS = "yagura.facets";

/** Page is the list of issues: the place where work begins. */
export function Page() {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang } = usePrefs();
  const search = useSearch();
  const client = useQueryClient();
  const lay = useOverlay();
  const live = useLive();
  // An address without a query is the work that waits; an empty query asks for everything.
  const q = search.q ?? shipped[0].q;
  const sort = search.sort ?? (search.q === undefined ? shipped[0].sort : "-updated");
  const list = useList<Issue>("issues", { q, sort });
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [cursor, setCursor] = useState<Issue>();
  const [news, setNews] = useState<Set<string>>(new Set());
  const [facets, setFacets] = useState(() => localStorage.getItem(FACETS) !== "no");

  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  useEffect(() => {
    setSelected(new Set());
    setNews(new Set());
  }, [q, sort]);

  const rows = useMemo(() => list.rows.map((r) => lay(`issue/${r.id}`, r)), [list.rows, lay]);
  const known = useRef(new Map<string, number>());
  known.current = new Map(list.rows.map((r) => [r.id, r.version]));

  // A row that is shown is renewed where it stands; one that is not is counted until somebody
  // asks for it, so that nothing moves under the pointer.
  const pending = useRef(new Set<string>());
  useStream("issue", (e) => {
    const version = known.current.get(e.id);
    if (version === undefined) setNews((n) => (n.has(e.id) || n.size > 500 ? n : new Set(n).add(e.id)));
    else if (version < e.version && !pending.current.has(e.id)) {
      pending.current.add(e.id);
      get<Issue>(`/issues/${encodeURIComponent(e.id)}`)
        .then((is) => place(client, is))
        .catch(() => undefined) // the row stays as it was
        .finally(() => pending.current.delete(e.id));
    }
  });
  const showNews = async () => {
    setNews(new Set());
    await list.refetch();
    void client.invalidateQueries({ queryKey: ["counts"] });
    document.querySelector(".vt")?.scrollTo({ top: 0 });
  };

  const open = search.open;
  const openIssue = useCallback(
    (is: Issue) => go(withSearch({ open: is.id }), { replace: !!new URLSearchParams(location.search).get("open") }),
    [],
  );
  const openPage = useCallback((is: Issue) => go(`/issues/${is.id}`), []);
  const targets =
    selected.size > 0 ? rows.filter((r) => selected.has(r.id)) : cursor ? rows.filter((r) => r.id === cursor.id) : [];

  const columns = useMemo<Column<Issue>[]>(
    () => [
      {
        id: "severity",
        head: w.column.severity,
        width: "96px",
        sort: "severity",
        cell: (r) => <SeverityBadge level={r.severity} />,
      },
      {
        id: "status",
        head: w.column.status,
        width: "108px",
        sort: "status",
        min: 620,
        cell: (r) => <StatusBadge status={r.status} episode={r.episode} />,
      },
      {
        id: "title",
        head: w.column.title,
        width: "minmax(180px, 3fr)",
        sort: "title",
        cell: (r) => (
          <span className="issue-title">
            <Link
              href={`/issues/${r.id}`}
              className="cut"
              onClick={(e) => !e.metaKey && !e.ctrlKey && (e.preventDefault(), openIssue(r))}
            >
              <Hostile text={(lang === "ja" && r.title_ja) || r.title} />
            </Link>
            {r.suppressed_until && Date.parse(r.suppressed_until) > Date.now() && (
              <span className="tag" title={plain(r.suppress_reason ?? "")}>
                {w.suppressed}
              </span>
            )}
            {r.flapping && <span className="tag tag-warn">{w.flapping}</span>}
            {r.conclusion && <span className="tag">{core.conclusion[r.conclusion]}</span>}
            {r.labels?.slice(0, 2).map((l) => (
              <span key={l} className="tag">
                <Hostile text={l} />
              </span>
            ))}
          </span>
        ),
      },
      {
        id: "actor",
        head: w.column.actor,
        width: "minmax(90px, 1.2fr)",
        min: 900,
        cell: (r) => (
          <span className="mono dim">
            {r.actor?.name || r.actor?.id ? <Hostile text={r.actor.name || r.actor.id || ""} /> : "–"}
          </span>
        ),
      },
      {
        id: "account",
        head: w.column.account,
        width: "minmax(90px, 1fr)",
        sort: "account",
        min: 780,
        cell: (r) => (
          <span className="dim" title={plain(r.account)}>
            {!r.account ? (
              <span className="faint">–</span>
            ) : r.account_info?.name ? (
              <Hostile text={r.account_info.name} />
            ) : (
              <span className="mono">
                <Hostile text={r.account} />
              </span>
            )}
          </span>
        ),
      },
      {
        id: "assignee",
        head: w.column.assignee,
        width: "minmax(70px, 120px)",
        sort: "assignee",
        min: 1020,
        cell: (r) =>
          r.assignee ? <Hostile text={r.assignee.replace(/^user:/, "")} /> : <span className="faint">–</span>,
      },
      {
        id: "count",
        head: w.column.count,
        width: "72px",
        sort: "count",
        align: "end",
        min: 700,
        cell: (r) => <span className="num dim">{count(r.count, lang)}</span>,
      },
      {
        id: "seen",
        head: w.column.seen,
        width: "98px",
        sort: "seen",
        align: "end",
        cell: (r) => <Time at={r.last_seen} />,
      },
      {
        id: "opened",
        head: w.column.opened,
        width: "98px",
        sort: "opened",
        align: "end",
        min: 1180,
        cell: (r) => (
          <span className="dim">
            <Time at={r.opened} />
          </span>
        ),
      },
    ],
    [w, core, lang, openIssue],
  );

  const total = list.total
    ? list.total.exact
      ? count(list.total.n, lang)
      : core.state.atLeast(count(list.total.n, lang))
    : "";
  const serverError =
    list.error && !(list.error instanceof Problem && list.error.code === "bad_query") ? list.error : null;
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        <span className="faint num" aria-live="polite">
          {total}
        </span>
        <Views q={q} sort={sort} />
      </div>
      <div className="page-head issues-bar">
        <Tooltip label={facets ? w.facets.hide : w.facets.show}>
          <ActionIcon
            aria-label={facets ? w.facets.hide : w.facets.show}
            aria-pressed={facets}
            onClick={() => {
              localStorage.setItem(FACETS, facets ? "no" : "yes");
              setFacets(!facets);
            }}
          >
            <Icon name="panel" />
          </ActionIcon>
        </Tooltip>
        <QueryBar
          list="issues"
          value={q}
          error={list.error}
          onChange={(text) =>
            go(
              withSearch({ q: undefined, sort: search.sort, open: undefined }).replace(
                /\?.*|$/,
                `?${new URLSearchParams({ q: text, ...(search.sort ? { sort: search.sort } : {}) })}`,
              ),
            )
          }
        />
        <CopyMenu of={{ link: withSearch({ open: undefined }), path: `/issues${query({ q, sort })}` }} label={w.copy} />
        <Tooltip label={w.csv}>
          <ActionIcon
            component="a"
            href={`${base}/issues${query({ q, sort, format: "csv", limit: 1000 })}`}
            download="issues.csv"
            aria-label={w.csv}
          >
            <Icon name="download" />
          </ActionIcon>
        </Tooltip>
      </div>
      <div className="split">
        {facets && <Facets q={q} sort={sort} />}
        <div className="grow issues-main">
          {serverError && (
            <div className="notice notice-bad" role="alert">
              {serverError instanceof Problem ? serverError.said(lang) : serverError.message}
              <Button size="compact-xs" onClick={() => void list.refetch()}>
                {core.do.retry}
              </Button>
            </div>
          )}
          {news.size > 0 && (
            <button type="button" className="pill" title={w.newsDoc} onClick={() => void showNews()}>
              {w.news(news.size)}
            </button>
          )}
          <VirtualTable
            label={w.title}
            rows={rows}
            columns={columns}
            rowKey={(r) => r.id}
            total={list.total?.n}
            more={list.more}
            fetchMore={list.fetchMore}
            loading={list.loading}
            stale={list.stale}
            sort={sort}
            onSort={(s) =>
              go(withSearch({ q: search.q === undefined ? q : search.q || undefined, sort: s, open: undefined }))
            }
            selected={selected}
            onSelect={setSelected}
            open={open}
            onOpen={openIssue}
            onOpenPage={openPage}
            onCursor={setCursor}
            rowClass={(r) =>
              r.status === "closed" || (r.suppressed_until && Date.parse(r.suppressed_until) > Date.now())
                ? "row-quiet"
                : ""
            }
            empty={
              serverError || list.error ? null : q === "" ? (
                <FirstSteps />
              ) : (
                <EmptyState
                  title={core.state.noMatch}
                  doc={core.state.noMatchDoc}
                  action={{ label: core.state.clear, run: () => go("/issues?q=") }}
                />
              )
            }
          />
          {selected.size > 0 && (
            <div className="bulk" role="toolbar" aria-label={w.selected(count(selected.size, lang))}>
              <span className="num">{w.selected(count(selected.size, lang))}</span>
              <Actions issues={targets} keys={false} compact={!!open} after={() => setSelected(new Set())} />
              <ActionIcon aria-label={w.clear} onClick={() => setSelected(new Set())}>
                <Icon name="close" />
              </ActionIcon>
            </div>
          )}
          {!open && <KeyTargets issues={targets} after={() => setSelected(new Set())} />}
        </div>
        {open && (
          <SidePanel
            label={open}
            href={`/issues/${open}`}
            close={() => go(withSearch({ open: undefined }), { replace: true })}
            actions={<span className="mono faint cut">{open}</span>}
          >
            <Suspense fallback={null}>
              <IssueView key={open} id={open} side />
            </Suspense>
          </SidePanel>
        )}
      </div>
      <span className="hide" aria-live="polite">
        {live ? core.state.live : core.state.notLive}
      </span>
    </div>
  );
}

/** KeyTargets hears the keys of issues for the rows of the list, without showing buttons. */
function KeyTargets({ issues, after }: { issues: Issue[]; after: () => void }) {
  return (
    <div className="keys-only">
      <Actions issues={issues} after={after} />
    </div>
  );
}

function FirstSteps() {
  const w = useWords(catalogue);
  return (
    <EmptyState
      title={w.empty.title}
      doc={w.empty.doc}
      steps={[
        { title: w.empty.source, doc: w.empty.sourceDoc, code: "yagura init" },
        { title: w.empty.check, doc: <Link href="/sources">{w.empty.checkDoc}</Link> },
        { title: w.empty.try, code: "make demo" },
      ]}
    />
  );
}
