// What a result looks like without its drawing: cells as text, widths, and what a chart of it
// would show.
import type { HuntColumn } from "../../api/types";

/** cell writes a value of a result as text. */
export function cell(v: unknown): string {
  if (v === null || v === undefined) return "";
  return typeof v === "object" ? JSON.stringify(v) : String(v);
}

const numbers = /^(int|long|real|decimal|double|float|bigint|hugeint|u?(tiny|small)?int(eger)?|ubigint|uinteger)\b/i;

export const isNumber = (c: HuntColumn) => numbers.test(c.type);
export const isTime = (c: HuntColumn) => /^(datetime|timestamp|date)\b/i.test(c.type);

/** widths are those of columns in pixels: as wide as most of their first values, within bounds. */
export function widths(columns: HuntColumn[], rows: unknown[][]): number[] {
  return columns.map((c, i) => {
    let n = c.name.length + 2;
    for (const r of rows.slice(0, 60)) n = Math.max(n, Math.min(60, wide(cell(r[i]))));
    return Math.round(Math.min(420, Math.max(70, n * 7.2 + 20)));
  });
}

/** fitted makes wide columns narrower where that lets all of them be seen; none below a width that says something. */
export function fitted(sizes: number[], room: number): number[] {
  const sum = (cap: number) => sizes.reduce((n, s) => n + Math.min(s, cap), 0);
  if (room <= 0 || sum(Number.POSITIVE_INFINITY) <= room || sum(150) > room) return sizes;
  let cap = 420;
  while (cap > 150 && sum(cap) > room) cap -= 5;
  return sizes.map((s) => Math.min(s, cap));
}

/** wide is the width of a text in half-width letters. */
function wide(s: string): number {
  let n = 0;
  for (const c of s.slice(0, 80)) n += c > "\u2e7f" ? 2 : 1;
  return n;
}

export interface Series {
  name: string;
  values: (number | null)[];
}

export type ChartData =
  | { kind: "time"; times: number[]; series: Series[] }
  | { kind: "bars"; names: string[]; values: number[]; label: string };

const mostSeries = 12;
const mostBars = 40;

/** chartOf is what a chart of the result shows, or null where there is nothing to draw. */
export function chartOf(columns: HuntColumn[], rows: unknown[][]): ChartData | null {
  const numeric = columns.findIndex(isNumber);
  if (rows.length === 0 || numeric < 0) return null;
  const time = columns.findIndex(isTime);
  const name = columns.findIndex((c, i) => i !== time && !isNumber(c));
  if (time >= 0) {
    const at = (r: unknown[]) => Date.parse(cell(r[time])) / 1000;
    const times = [...new Set(rows.map(at).filter(Number.isFinite))].sort((a, b) => a - b);
    const place = new Map(times.map((t, i) => [t, i]));
    const series = new Map<string, (number | null)[]>();
    const keys = name >= 0 ? [numeric] : columns.flatMap((c, i) => (isNumber(c) ? [i] : []));
    for (const r of rows)
      for (const k of keys) {
        const label = name >= 0 ? cell(r[name]) : columns[k]!.name;
        const where = place.get(at(r));
        if (where === undefined || (!series.has(label) && series.size >= mostSeries)) continue;
        if (!series.has(label)) series.set(label, new Array(times.length).fill(null));
        series.get(label)![where] = Number(r[k]);
      }
    return { kind: "time", times, series: [...series].map(([n, values]) => ({ name: n, values })) };
  }
  if (name < 0) return null;
  const some = rows.slice(0, mostBars);
  return {
    kind: "bars",
    names: some.map((r) => cell(r[name])),
    values: some.map((r) => Number(r[numeric]) || 0),
    label: columns[numeric]!.name,
  };
}

/** bytes writes a size. */
export function bytes(n: number): string {
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (n < 1000) return `${n < 10 && unit !== "B" ? n.toFixed(1) : Math.round(n)} ${unit}`;
    n /= 1000;
  }
  return `${n.toFixed(1)} TB`;
}

/** duration writes milliseconds. */
export const duration = (ms: number) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

/** rangeOf is the time range of the address: a preset is counted from now. */
export function rangeOf(
  range: string | undefined,
  from: string | undefined,
  to: string | undefined,
  now: number,
): { from?: string; to?: string } {
  const m = /^(\d+)([hd])$/.exec(range ?? "");
  if (m) return { from: new Date(now - Number(m[1]) * (m[2] === "h" ? 3_600_000 : 86_400_000)).toISOString() };
  return { from: from || undefined, to: to || undefined };
}
