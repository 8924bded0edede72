import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { usePrefs, useScheme } from "../../app/prefs";
import { count, type Lang as Reader, short } from "../../i18n/words";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { exact, zoneName } from "../../ui/time";
import "../../ui/timechart.css";
import type { ChartData } from "./result";

const tones = ["--accent", "--good", "--warn", "--bad", "--sev-medium", "--sev-low", "--dim"];

/** Chart draws a result: lines over time, or bars by name. */
export default function Chart({ data }: { data: ChartData }) {
  return data.kind === "time" ? <Lines data={data} /> : <Bars data={data} />;
}

function Lines({ data }: { data: Extract<ChartData, { kind: "time" }> }) {
  const host = useRef<HTMLDivElement>(null);
  const scheme = useScheme();
  const { zone, lang } = usePrefs();
  useEffect(() => {
    const el = host.current;
    if (!el) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis: uPlot.Axis = {
      stroke: colour("--faint"),
      ticks: { show: false },
      border: { show: false },
      font: `11px ${colour("--font")}`,
      gap: 6,
    };
    const plot = new uPlot(
      {
        width: el.clientWidth - 32,
        height: Math.max(180, el.clientHeight - 88),
        padding: [10, 18, 0, 0],
        cursor: { points: { size: 6 }, y: false, drag: { x: false, y: false, setScale: false } },
        scales: { y: { range: (_, min, max) => [Math.min(0, min), max > 0 ? max * 1.06 : 1] } },
        tzDate: zone ? (ts) => uPlot.tzDate(new Date(ts * 1e3), zone) : undefined,
        axes: [
          { ...axis, grid: { show: false }, space: 70, values: (_, ticks) => labels(ticks, zone, lang) },
          {
            ...axis,
            grid: { stroke: colour("--line"), width: 1 },
            size: 52,
            values: (_, ticks) => ticks.map((n) => short(n, lang)),
          },
        ],
        series: [
          {
            label: zoneName(zone),
            value: (_, t) => (t == null ? "" : exact(new Date(t * 1000).toISOString(), zone, lang)),
          },
          ...data.series.map((s, i) => ({
            label: plain(s.name).slice(0, 60) || "–",
            stroke: colour(tones[i % tones.length]!),
            width: 1.6,
            points: { show: data.times.length === 1 },
            value: (_: uPlot, n: number | null) => (n == null ? "" : count(n, lang)),
          })),
        ],
      },
      [data.times, ...data.series.map((s) => s.values)] as uPlot.AlignedData,
      el,
    );
    const o = new ResizeObserver(() =>
      plot.setSize({ width: el.clientWidth - 32, height: Math.max(180, el.clientHeight - 88) }),
    );
    o.observe(el);
    return () => {
      o.disconnect();
      plot.destroy();
    };
  }, [data, scheme, zone, lang]);
  return <div className="chart hunt-chart" ref={host} />;
}

/** labels writes the places of a time axis: the date where it changes, the time else. */
function labels(ticks: number[], zone: string, lang: Reader): string[] {
  let day = "";
  return ticks.map((t) => {
    const [date = "", time = ""] = exact(new Date(t * 1000).toISOString(), zone, lang, false).split(" ");
    const first = date !== day;
    day = date;
    return first ? `${time}\n${date.slice(5).replace("-", "/")}` : time;
  });
}

function Bars({ data }: { data: Extract<ChartData, { kind: "bars" }> }) {
  const { lang } = usePrefs();
  const most = Math.max(1, ...data.values);
  return (
    <div className="hunt-chart hunt-bars">
      {data.names.map((n, i) => (
        <div key={i} className="hunt-bar">
          <span className="cut mono">
            <Hostile text={n || "–"} />
          </span>
          <svg height="14" width="100%" aria-hidden="true">
            <rect width={`${(Math.max(0, data.values[i]!) / most) * 100}%`} height="14" rx="2" />
          </svg>
          <span className="num vt-end">{count(data.values[i]!, lang)}</span>
        </div>
      ))}
    </div>
  );
}
