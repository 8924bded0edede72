import { Button, SegmentedControl } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import type { HuntColumn, HuntResult } from "../../api/types";
import { go } from "../../app/go";
import { usePrefs } from "../../app/prefs";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { toClipboard } from "../../ui/Copy";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { Icon } from "../../ui/Icon";
import { kqlString } from "../../ui/pivot";
import { RawEvent } from "../../ui/RawEvent";
import { SidePanel } from "../../ui/SidePanel";
import { exact } from "../../ui/time";
import { Value } from "../../ui/Value";
import { bytes, cell, chartOf, duration, fitted, isNumber, isTime, widths } from "./result";
import { w as catalogue } from "./words";

const Chart = lazy(() => import("./Chart"));

/** Results shows what a question answered, as a table or a chart. */
export function Results({ result, exportAs }: { result: HuntResult; exportAs: (format: "csv" | "jsonl") => void }) {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang } = usePrefs();
  const chart = useMemo(() => chartOf(result.columns, result.rows), [result]);
  const [view, setView] = useState<"table" | "chart">(result.chart && chart ? "chart" : "table");
  const [row, setRow] = useState<number>();
  useEffect(() => {
    setView(result.chart && chartOf(result.columns, result.rows) ? "chart" : "table");
    setRow(undefined);
  }, [result]);
  const s = result.stats;
  return (
    <section className="hunt-result" aria-label={w.result}>
      <div className="hunt-result-bar">
        <strong className="num">{w.rows(count(result.rows.length, lang))}</strong>
        <span className="faint num">{w.took(duration(s.ms), count(s.files, lang), bytes(s.scanned_bytes))}</span>
        <span className="grow" />
        {chart && (
          <SegmentedControl
            size="xs"
            value={view}
            onChange={(v) => setView(v as "table" | "chart")}
            data={[
              { value: "table", label: w.table },
              { value: "chart", label: w.chart },
            ]}
          />
        )}
        <Button
          size="compact-xs"
          leftSection={<Icon name="download" size={13} />}
          title={w.allRows}
          onClick={() => exportAs("csv")}
        >
          {w.csv}
        </Button>
        <Button
          size="compact-xs"
          leftSection={<Icon name="download" size={13} />}
          title={w.allRows}
          onClick={() => exportAs("jsonl")}
        >
          {w.jsonl}
        </Button>
      </div>
      {result.truncated && <div className="notice notice-warn">{w.cut(count(result.rows.length, lang))}</div>}
      {s.missing && s.missing.length > 0 && <div className="notice">{w.missing(s.missing.join(", "))}</div>}
      {result.rows.length === 0 ? (
        <EmptyState title={w.none} doc={w.noneDoc} />
      ) : view === "chart" && chart ? (
        <Suspense fallback={null}>
          <Chart data={chart} />
        </Suspense>
      ) : (
        <div className="split">
          <Grid columns={result.columns} rows={result.rows} open={row} onOpen={setRow} />
          {row !== undefined && result.rows[row] && (
            <SidePanel
              label={`${w.row} ${row + 1}`}
              close={() => setRow(undefined)}
              actions={
                <>
                  <span className="dim">
                    {w.row} {count(row + 1, lang)}
                  </span>
                  <Button
                    size="compact-xs"
                    onClick={() =>
                      void toClipboard(
                        JSON.stringify(
                          Object.fromEntries(result.columns.map((c, i) => [c.name, result.rows[row]![i]])),
                        ),
                        core.do.copied,
                      )
                    }
                  >
                    {w.copyRow}
                  </Button>
                </>
              }
            >
              <Row columns={result.columns} row={result.rows[row]} kql={result.lang === "kql"} />
            </SidePanel>
          )}
        </div>
      )}
    </section>
  );
}

const rowHeight = 26;

function Grid({
  columns,
  rows,
  open,
  onOpen,
}: {
  columns: HuntColumn[];
  rows: unknown[][];
  open?: number;
  onOpen: (n: number) => void;
}) {
  const { zone, lang } = usePrefs();
  const scroller = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(0);
  useEffect(() => {
    const el = scroller.current;
    if (!el) return;
    const o = new ResizeObserver(() => setRoom(el.clientWidth));
    o.observe(el);
    return () => o.disconnect();
  }, []);
  const sizes = useMemo(() => fitted(widths(columns, rows), room - 24), [columns, rows, room]);
  const template = `${sizes.map((n) => `${n}px`).join(" ")} minmax(0, 1fr)`;
  const v = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const width = sizes.reduce((a, b) => a + b, 0) + 24;
  const move = (by: number) => {
    const n = Math.min(rows.length - 1, Math.max(0, (open ?? -1) + by));
    onOpen(n);
    v.scrollToIndex(n);
  };
  return (
    <div
      className="hunt-grid"
      ref={scroller}
      role="grid"
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      tabIndex={0}
      onKeyDown={(e) => {
        const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 20, PageUp: -20 }[e.key];
        if (!by || e.metaKey || e.ctrlKey) return;
        e.preventDefault();
        e.stopPropagation();
        move(by);
      }}
    >
      <div className="hunt-head" role="row" style={{ gridTemplateColumns: template, minWidth: width }}>
        {columns.map((c, i) => (
          <div key={i} role="columnheader" className={isNumber(c) ? "cut vt-end" : "cut"} title={c.type}>
            <Hostile text={c.name} />
          </div>
        ))}
      </div>
      <div role="rowgroup" className="hunt-body" style={{ height: v.getTotalSize(), minWidth: width }}>
        {v.getVirtualItems().map((it) => (
          <div
            key={it.index}
            role="row"
            tabIndex={-1}
            aria-rowindex={it.index + 2}
            className={it.index === open ? "hunt-row vt-open" : "hunt-row"}
            style={{ transform: `translateY(${it.start}px)`, gridTemplateColumns: template }}
            onClick={() => window.getSelection()?.toString() || onOpen(it.index)}
            onKeyDown={(e) => e.key === "Enter" && onOpen(it.index)}
          >
            {columns.map((c, i) => {
              const x = cell(rows[it.index]?.[i]);
              const at = isTime(c) && x ? exact(x, zone, lang) : "";
              return (
                <div key={i} role="gridcell" className={isNumber(c) ? "cut num vt-end" : "cut mono"}>
                  {x === "" ? <span className="faint">–</span> : <Hostile text={at || x.slice(0, 400)} />}
                </div>
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}

function Row({ columns, row, kql }: { columns: HuntColumn[]; row: unknown[]; kql: boolean }) {
  const { zone, lang } = usePrefs();
  return (
    <dl className="facts hunt-facts">
      {columns.map((c, i) => {
        const x = cell(row[i]);
        const record = /^[{[]/.test(x) && x.length > 60;
        return (
          <div key={i} className={record ? "hunt-record" : "hunt-fact"}>
            <dt className="mono">
              <Hostile text={c.name} />
            </dt>
            <dd>
              {record ? (
                <RawEvent raw={x} limit={30} label={c.name} />
              ) : (
                <Value
                  field={c.name}
                  value={x}
                  hunt={/^[A-Za-z_]\w*$/.test(c.name) ? c.name : undefined}
                  onFilter={
                    kql && /^[A-Za-z_]\w*$/.test(c.name) && x !== ""
                      ? (t) => narrow(c, x, t.startsWith("-"))
                      : undefined
                  }
                >
                  {isTime(c) && x ? exact(x, zone, lang) : undefined}
                </Value>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

// A condition more at the end of the question, which is in the address.
function narrow(c: HuntColumn, value: string, not: boolean) {
  const p = new URLSearchParams(location.search);
  const literal = isNumber(c) ? value : isTime(c) ? `datetime(${value})` : kqlString(value);
  p.set("q", `${(p.get("q") ?? "").trimEnd()}\n| where ${c.name} ${not ? "!=" : "=="} ${literal}`);
  p.set("lang", "kql");
  go(`${location.pathname}?${p}`);
}
