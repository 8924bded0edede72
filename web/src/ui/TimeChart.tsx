import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useLang, usePrefs, useScheme } from "../app/prefs";
import { count, short } from "../i18n/words";
import { exact, zoneName } from "./time";
import "./timechart.css";

export interface Series {
  label: string;
  values: (number | null)[];
  /** A variable of tokens.css: "--accent". */
  tone: string;
  kind?: "bars" | "line";
  /** "right": by a measure of its own. */
  side?: "left" | "right";
}

/** TimeChart draws numbers over time. It is heavy: import it lazily. onPick hears which point was clicked. */
export function TimeChart({
  at,
  series,
  label,
  height = 180,
  daily,
  onPick,
}: {
  /** RFC 3339, oldest first. */
  at: string[];
  series: Series[];
  label: string;
  height?: number;
  /** The points are days of UTC, whatever the reader's zone. */
  daily?: boolean;
  onPick?: (index: number) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const lang = useLang();
  const prefs = usePrefs();
  const zone = daily ? "UTC" : prefs.zone;
  const scheme = useScheme();
  const pick = useRef(onPick);
  pick.current = onPick;

  useEffect(() => {
    const el = box.current;
    if (!el || at.length === 0) return;
    const css = getComputedStyle(document.documentElement);
    const v = (name: string) => css.getPropertyValue(name).trim();
    const font = `11px ${v("--font")}`;
    const right = series.some((s) => s.side === "right");
    const bars = uPlot.paths.bars!({ size: [0.82, 40], align: 1, radius: 0.12 });
    // A bar stands for the time from its point to the next.
    const step = at.length > 1 ? (Date.parse(at[1]!) - Date.parse(at[0]!)) / 1000 : 3600;
    const line = uPlot.paths.stepped!({ align: 1 });
    const axis = {
      stroke: v("--faint"),
      font,
      ticks: { show: false },
      border: { show: false },
      gap: 4,
    };
    const plot = new uPlot(
      {
        width: el.clientWidth,
        height,
        padding: [8, right ? 0 : 18, 0, 0],
        tzDate: (t) => (zone ? uPlot.tzDate(new Date(t * 1000), zone) : new Date(t * 1000)),
        cursor: { points: { size: 6 }, y: false, drag: { x: false, y: false, setScale: false } },
        legend: { live: true },
        scales: {
          x: { time: true, range: (_, min, max) => [min, max + step] },
          y: { range: (_, __, max) => [0, Math.max(1, max * 1.06)] },
          right: { range: (_, __, max) => [0, Math.max(1, max * 1.06)] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 22,
            space: 70,
            incrs: daily ? [1, 2, 7, 14, 30, 90].map((d) => d * 86_400) : undefined,
            values: (_, splits, __, ___, incr) =>
              splits.map((t) => {
                const s = exact(new Date(t * 1000).toISOString(), zone, "en", false); // 2026-05-01 10:00
                return incr >= 86_400 || s.endsWith("00:00") ? s.slice(5, 10).replace("-", "/") : s.slice(11);
              }),
          },
          {
            ...axis,
            scale: "y",
            grid: { stroke: v("--line"), width: 1 },
            size: 46,
            space: 34,
            values: (_, s) => s.map((n) => (n === 0 || Number.isInteger(n) ? short(n, lang) : "")),
          },
          ...(right
            ? [
                {
                  ...axis,
                  scale: "right",
                  side: 1,
                  grid: { show: false },
                  size: 40,
                  space: 34,
                  values: (_: uPlot, s: number[]) => s.map((n) => (Number.isInteger(n) ? short(n, lang) : "")),
                },
              ]
            : []),
        ],
        series: [
          {
            label: zoneName(zone),
            value: (_, t) =>
              t == null
                ? ""
                : exact(new Date(t * 1000).toISOString(), zone, lang, false).slice(0, daily ? 10 : undefined),
          },
          ...series.map((s): uPlot.Series => {
            const tone = v(s.tone);
            const drawn = s.kind ?? "bars";
            return {
              label: s.label,
              scale: s.side === "right" ? "right" : "y",
              stroke: tone,
              fill: drawn === "bars" ? `color-mix(in srgb, ${tone} 55%, transparent)` : undefined,
              width: drawn === "bars" ? 0 : 1.6,
              paths: drawn === "bars" ? bars : line,
              points: { show: false },
              value: (_, n) => (n == null ? "" : count(n, lang)),
            };
          }),
        ],
      },
      [at.map((t) => Date.parse(t) / 1000), ...series.map((s) => s.values)] as uPlot.AlignedData,
      el,
    );
    const click = () => {
      const i = plot.cursor.idx;
      if (i !== null && i !== undefined) pick.current?.(i);
    };
    plot.over.addEventListener("click", click);
    const sized = new ResizeObserver(() => plot.setSize({ width: el.clientWidth, height }));
    sized.observe(el);
    return () => {
      sized.disconnect();
      plot.destroy();
    };
  }, [at, series, height, daily, lang, zone, scheme]);

  return (
    <div
      ref={box}
      className={onPick ? "chart chart-pick" : "chart"}
      role="img"
      aria-label={label}
      style={{ minHeight: height + 26 }}
    />
  );
}
