import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { type ReactNode, useMemo, useState } from "react";
import { base, Problem, query } from "../api/client";
import { type ListState, useList } from "../api/list";
import { go, withSearch } from "../app/go";
import { useLang } from "../app/prefs";
import { useSearch } from "../app/router";
import { useCore } from "../i18n/core";
import { count } from "../i18n/words";
import { CopyMenu } from "./Copy";
import { EmptyState } from "./EmptyState";
import { Icon } from "./Icon";
import { QueryBar } from "./QueryBar";
import { SidePanel } from "./SidePanel";
import { type Column, VirtualTable } from "./VirtualTable";
import "./listview.css";

export interface ListViewProps<T> {
  /** The name of the list in the grammar, "audit". */
  list: string;
  /** Its path in the API, where that is another. */
  path?: string;
  label: string;
  /** The columns; where one compares the rows that are there, by these. */
  columns: Column<T>[] | ((rows: T[]) => Column<T>[]);
  rowKey: (row: T) => string;
  /** A row as it is shown: with what was changed a moment ago and is not sent yet. */
  shown?: (row: T) => T;
  /** A query as an example, in the empty bar. */
  hint?: string;
  /** The query and order of an address that says none. */
  q?: string;
  sort?: string;
  params?: Record<string, string | undefined>;
  /** What an empty list teaches: when nothing was asked, or for a query. */
  first?: ReactNode | ((q: string) => ReactNode);
  /** Queries that one asks often, above the list, each in an order of its own if it has one. */
  presets?: { label: string; q: string; sort?: string }[];
  /** What stands at the side for ?open=. */
  panel?: (key: string, row: T | undefined, list: ListState<T>) => ReactNode;
  panelHref?: (key: string) => string;
  /** A row is a page of its own. */
  href?: (row: T) => string;
  actions?: ReactNode;
  rowClass?: (row: T) => string;
  /** What is said where the server did not look at everything. */
  cut?: string;
  csv?: boolean;
}

/** ListView is a list of the API with its query, its table and one row at the side; the address holds its state. */
export function ListView<T>(p: ListViewProps<T>) {
  const core = useCore();
  const lang = useLang();
  const search = useSearch();
  const q = search.q ?? p.q ?? "";
  const sort = search.sort ?? p.sort;
  const path = p.path ?? p.list;
  const list = useList<T>(path, { ...p.params, q, sort });
  const [, setCursor] = useState<T>();
  const open = search.open;
  const bad = list.error && !(list.error instanceof Problem && list.error.code === "bad_query") ? list.error : null;
  const rows = p.shown ? list.rows.map(p.shown) : list.rows;
  const row = open === undefined ? undefined : rows.find((r) => p.rowKey(r) === open);
  const columns = useMemo(
    () => (typeof p.columns === "function" ? p.columns(list.rows) : p.columns),
    [p.columns, list.rows],
  );
  const first = typeof p.first === "function" ? p.first(q) : q === "" ? p.first : undefined;
  const ask = (text: string, order = search.sort) => {
    // A list with a usual query tells "nothing asked" from "asked for everything".
    const href = withSearch({ q: text || undefined, sort: order, open: undefined });
    go(text === "" && p.q ? `${href}${href.includes("?") ? "&" : "?"}q=` : href);
  };
  const pressed = (s: { q: string; sort?: string }) => q === s.q && (s.sort === undefined || s.sort === sort);
  const total = list.total
    ? list.total.exact
      ? count(list.total.n, lang)
      : core.state.atLeast(count(list.total.n, lang))
    : "";
  return (
    <>
      <div className="list-bar">
        <QueryBar
          list={p.list}
          value={q}
          error={list.error}
          onChange={(text) => ask(text)}
          placeholder={p.hint ?? " "}
        />
        {p.presets?.map((s) => (
          <button
            key={s.q}
            type="button"
            className="list-preset"
            aria-pressed={pressed(s)}
            onClick={() => (pressed(s) ? ask("", s.sort && p.sort) : ask(s.q, s.sort))}
          >
            {s.label}
          </button>
        ))}
        <span className="faint num list-total" aria-live="polite">
          {total && core.state.rows(total)}
        </span>
        <CopyMenu of={{ link: withSearch({ open: undefined }), path: `/${path}${query({ ...p.params, q, sort })}` }} />
        {p.csv !== false && (
          <Tooltip label={core.do.export}>
            <ActionIcon
              component="a"
              href={`${base}/${path}${query({ ...p.params, q, sort, format: "csv", limit: 1000 })}`}
              download={`${p.list}.csv`}
              aria-label={`${core.do.export}: CSV`}
            >
              <Icon name="download" />
            </ActionIcon>
          </Tooltip>
        )}
        {p.actions}
      </div>
      <div className="split">
        <div className="grow">
          {p.cut && list.cut && <div className="notice list-cut">{p.cut}</div>}
          {bad && (
            <div className="notice notice-bad" role="alert">
              {bad instanceof Problem ? bad.said(lang) : bad.message}
              <Button size="compact-xs" onClick={() => void list.refetch()}>
                {core.do.retry}
              </Button>
            </div>
          )}
          <VirtualTable
            label={p.label}
            rows={rows}
            columns={columns}
            rowKey={p.rowKey}
            total={list.total?.n}
            more={list.more}
            fetchMore={list.fetchMore}
            loading={list.loading}
            stale={list.stale}
            sort={sort}
            onSort={(s) => go(withSearch({ sort: s, open: undefined }))}
            open={open}
            onCursor={setCursor}
            onOpen={
              p.panel
                ? (r) =>
                    go(withSearch({ open: p.rowKey(r) }), {
                      replace: !!new URLSearchParams(location.search).get("open"),
                    })
                : p.href && ((r) => go(p.href!(r)))
            }
            onOpenPage={p.href && ((r) => go(p.href!(r)))}
            rowClass={p.rowClass}
            empty={
              list.error
                ? null
                : first || (
                    <EmptyState
                      title={core.state.noMatch}
                      doc={q === "" ? undefined : core.state.noMatchDoc}
                      action={q === "" ? undefined : { label: core.state.clear, run: () => ask("") }}
                    />
                  )
            }
          />
        </div>
        {open !== undefined && p.panel && (
          <SidePanel
            label={open}
            href={p.panelHref?.(open)}
            close={() => go(withSearch({ open: undefined }), { replace: true })}
            actions={<span className="mono faint cut">{open}</span>}
          >
            {p.panel(open, row, list)}
          </SidePanel>
        )}
      </div>
    </>
  );
}
