import { Checkbox } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useKeys } from "../app/keys";
import { useCore } from "../i18n/core";
import { Icon } from "./Icon";

export interface Column<T> {
  id: string;
  head: ReactNode;
  /** A track of a CSS grid: "90px", "minmax(120px, 2fr)". */
  width: string;
  cell: (row: T) => ReactNode;
  /** The server sorts by it. */
  sort?: string;
  /** Shown when the table is at least so wide. */
  min?: number;
  align?: "end";
}

export interface TableProps<T> {
  label: string;
  rows: T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
  total?: number;
  more?: boolean;
  fetchMore?: () => void;
  loading?: boolean;
  stale?: boolean;
  /** "opened" or "-opened". */
  sort?: string;
  onSort?: (sort: string) => void;
  selected?: ReadonlySet<string>;
  onSelect?: (s: Set<string>) => void;
  /** The row that is open at the side. */
  open?: string;
  onOpen?: (row: T) => void;
  onOpenPage?: (row: T) => void;
  /** Hears which row the cursor is on. */
  onCursor?: (row: T | undefined) => void;
  empty?: ReactNode;
  rowClass?: (row: T) => string;
}

const rowHeight = 26;

/** VirtualTable shows a list of any length in rows of 26 pixels. Keys: j k move, x selects, Enter opens at the side, o as a page. */
export function VirtualTable<T>(p: TableProps<T>) {
  const w = useCore();
  const scroller = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(1200);
  const [cursor, setCursor] = useState<string | undefined>(p.open);
  const anchor = useRef<number>(-1);

  useLayoutEffect(() => {
    const el = scroller.current;
    if (!el) return;
    setWidth(el.clientWidth);
    const o = new ResizeObserver(() => setWidth(el.clientWidth));
    o.observe(el);
    return () => o.disconnect();
  }, []);

  const columns = p.columns.filter((c) => !c.min || width >= c.min);
  const select = p.onSelect && width >= 560;
  const template = (select ? "30px " : "") + columns.map((c) => c.width).join(" ");
  const v = useVirtualizer({
    count: p.rows.length + (p.more ? 1 : 0),
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollPaddingStart: rowHeight + 2,
  });
  const items = v.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { more, fetchMore } = p;
  useEffect(() => {
    if (more && last >= p.rows.length - 30) fetchMore?.();
  }, [more, last, p.rows.length, fetchMore]);

  const at = cursor === undefined ? -1 : p.rows.findIndex((r) => p.rowKey(r) === cursor);
  const onCursor = useRef(p.onCursor);
  onCursor.current = p.onCursor;
  const current = p.rows[at];
  useEffect(() => onCursor.current?.(current), [current]);
  useEffect(() => {
    if (p.open) setCursor(p.open);
  }, [p.open]);

  const move = useCallback(
    (step: number) => {
      if (p.rows.length === 0) return;
      const n = at < 0 ? (step > 0 ? 0 : p.rows.length - 1) : Math.min(p.rows.length - 1, Math.max(0, at + step));
      const row = p.rows[n]!;
      setCursor(p.rowKey(row));
      onCursor.current?.(row); // at once: the next key may be about it
      v.scrollToIndex(n, { align: "auto" });
      // While something is open at the side, the cursor takes it along.
      if (p.open && p.onOpen) p.onOpen(row);
    },
    [at, p, v],
  );
  const toggle = useCallback(
    (n: number, range: boolean) => {
      const row = p.rows[n];
      if (!row || !p.onSelect) return;
      const next = new Set(p.selected);
      const on = !next.has(p.rowKey(row));
      const from = range && anchor.current >= 0 ? Math.min(anchor.current, n) : n;
      const to = range && anchor.current >= 0 ? Math.max(anchor.current, n) : n;
      for (let i = from; i <= to; i++) {
        const key = p.rowKey(p.rows[i]!);
        if (on) next.add(key);
        else next.delete(key);
      }
      anchor.current = n;
      p.onSelect(next);
    },
    [p],
  );

  useKeys([
    { keys: "j", label: w.keys.down, group: w.keys.list, run: () => move(1) },
    { keys: "k", label: w.keys.up, group: w.keys.list, run: () => move(-1) },
    ...(p.onSelect
      ? [{ keys: "x", label: w.keys.select, group: w.keys.list, run: () => at >= 0 && toggle(at, false) }]
      : []),
    ...(p.onOpen
      ? [{ keys: "Enter", label: w.keys.openRow, group: w.keys.list, run: () => current && p.onOpen?.(current) }]
      : []),
    ...(p.onOpenPage
      ? [{ keys: "o", label: w.keys.openPage, group: w.keys.list, run: () => current && p.onOpenPage?.(current) }]
      : []),
  ]);

  const all = p.rows.length > 0 && p.rows.every((r) => p.selected?.has(p.rowKey(r)));
  const some = (p.selected?.size ?? 0) > 0;
  return (
    <div
      className={p.stale ? "vt vt-stale" : "vt"}
      ref={scroller}
      role="grid"
      aria-label={p.label}
      aria-rowcount={p.total ?? p.rows.length}
      aria-busy={p.loading || p.stale || undefined}
      aria-multiselectable={p.onSelect ? true : undefined}
      tabIndex={0}
      onKeyDown={(e) => {
        if (e.key === "ArrowDown" || e.key === "ArrowUp") {
          e.preventDefault();
          move(e.key === "ArrowDown" ? 1 : -1);
        }
      }}
    >
      <div className="vt-head" role="row" style={{ gridTemplateColumns: template }}>
        {select && (
          <div role="columnheader" className="vt-check">
            <Checkbox
              size="xs"
              aria-label={w.keys.select}
              checked={all}
              indeterminate={some && !all}
              onChange={() => p.onSelect?.(all || some ? new Set() : new Set(p.rows.map(p.rowKey)))}
            />
          </div>
        )}
        {columns.map((c) => {
          const dir = c.sort && (p.sort === c.sort ? "ascending" : p.sort === `-${c.sort}` ? "descending" : undefined);
          return (
            <div
              key={c.id}
              role="columnheader"
              aria-sort={dir || undefined}
              className={c.align === "end" ? "vt-end" : undefined}
            >
              {c.sort && p.onSort ? (
                <button type="button" onClick={() => p.onSort?.(dir === "descending" ? c.sort! : `-${c.sort}`)}>
                  {c.head}
                  {dir && <Icon name={dir === "ascending" ? "up" : "down"} size={10} />}
                </button>
              ) : (
                c.head
              )}
            </div>
          );
        })}
      </div>
      {p.rows.length === 0 && !p.loading && p.empty && (
        <div role="rowgroup">
          <div role="row">
            <div role="gridcell">{p.empty}</div>
          </div>
        </div>
      )}
      {p.loading && p.rows.length === 0 && <Skeleton />}
      <div className="vt-body" role="rowgroup" style={{ height: v.getTotalSize() }}>
        {items.map((it) => {
          const row = p.rows[it.index];
          if (!row) return <div key="more" className="vt-more" style={{ transform: `translateY(${it.start}px)` }} />;
          const key = p.rowKey(row);
          const on = p.selected?.has(key);
          return (
            <div
              key={key}
              role="row"
              aria-rowindex={it.index + 2}
              aria-selected={p.onSelect ? !!on : undefined}
              tabIndex={-1}
              className={`vt-row ${key === cursor ? "vt-cursor" : ""} ${key === p.open ? "vt-open" : ""} ${on ? "vt-on" : ""} ${p.rowClass?.(row) ?? ""}`}
              style={{ transform: `translateY(${it.start}px)`, gridTemplateColumns: template }}
              onClick={(e) => {
                if (e.defaultPrevented || (e.target as HTMLElement).closest("a,button,input,label")) return;
                if (window.getSelection()?.toString()) return; // somebody marks text
                setCursor(key);
                if (e.shiftKey && p.onSelect) toggle(it.index, true);
                else p.onOpen?.(row);
              }}
              onKeyDown={() => undefined}
            >
              {select && (
                <div role="gridcell" className="vt-check">
                  <Checkbox
                    size="xs"
                    aria-label={`${w.keys.select} ${it.index + 1}`}
                    checked={!!on}
                    onChange={() => undefined}
                    onClick={(e) => toggle(it.index, e.shiftKey)}
                  />
                </div>
              )}
              {columns.map((c) => (
                <div key={c.id} role="gridcell" className={c.align === "end" ? "vt-end cut" : "cut"}>
                  {c.cell(row)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Skeleton() {
  return (
    <div className="skeleton" aria-hidden="true">
      {Array.from({ length: 14 }, (_, i) => (
        <div key={i} style={{ opacity: 1 - i / 14 }}>
          <span style={{ width: `${30 + ((i * 37) % 45)}%` }} />
        </div>
      ))}
    </div>
  );
}
