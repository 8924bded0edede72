import { useSyncExternalStore } from "react";
import { usePrefs } from "../app/prefs";
import { useCore } from "../i18n/core";
import { distant, exact, exactUTC, isZero, relative, zoneName } from "./time";

// One clock for all times of the page.
let now = Date.now();
const watchers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function watch(f: () => void) {
  watchers.add(f);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const w of watchers) w();
  }, 10_000);
  return () => {
    watchers.delete(f);
    if (watchers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** useNow is the time, renewed every ten seconds. */
export function useNow(): number {
  return useSyncExternalStore(watch, () => now);
}

/** Time is how long ago something was (the day, where that is long), or the time itself; the other stands in its title. */
export function Time({ at, mode = "relative" }: { at: string | undefined; mode?: "relative" | "exact" }) {
  const w = useCore();
  const { zone, lang } = usePrefs();
  const n = useNow();
  if (isZero(at)) return <span className="faint">{w.time.never}</span>;
  const e = `${exact(at, zone, lang)} ${zoneName(zone)}`;
  const r = relative(at, Math.max(n, Date.now() - 10_000), w.time);
  const title = mode === "relative" ? e : r;
  const short = distant(at, n) ? exact(at, zone, lang).slice(0, 10) : r;
  return (
    <time dateTime={at} className="num" title={`${title}\n${exactUTC(at!)}`}>
      {mode === "relative" ? short : exact(at, zone, lang)}
    </time>
  );
}
