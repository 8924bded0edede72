// Times for people.
import type { Lang } from "../i18n/words";

interface TimeWords {
  now: string;
  never: string;
  ago: (t: string) => string;
  ahead: (t: string) => string;
  s: string;
  m: string;
  h: string;
  d: string;
}

/** zero says whether a time is none: Go writes its zero time as the year 1. */
export function isZero(t: string | undefined): boolean {
  return !t || t.startsWith("0001-");
}

/** span writes a length of time in one unit. */
export function span(ms: number, w: TimeWords): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}${w.s}`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m}${w.m}`;
  const h = Math.floor(m / 60);
  if (h < 48) return `${h}${w.h}`;
  return `${Math.floor(h / 24)}${w.d}`;
}

/** relative says how long ago something was. */
export function relative(t: string | undefined, now: number, w: TimeWords): string {
  if (isZero(t)) return w.never;
  const d = now - Date.parse(t!);
  if (Math.abs(d) < 5000) return w.now;
  return d >= 0 ? w.ago(span(d, w)) : w.ahead(span(-d, w));
}

const far = 45 * 86_400_000;

/** distant says whether a time lies so far from now that its day says more than a length of time. */
export function distant(t: string | undefined, now: number): boolean {
  return !isZero(t) && Math.abs(now - Date.parse(t!)) > far;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, lang: Lang, seconds: boolean): Intl.DateTimeFormat {
  const key = `${zone} ${lang} ${seconds}`;
  let f = formats.get(key);
  if (!f) {
    f = new Intl.DateTimeFormat(lang === "ja" ? "ja-JP" : "sv-SE", {
      timeZone: zone || undefined,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: seconds ? "2-digit" : undefined,
      hourCycle: "h23",
    });
    formats.set(key, f);
  }
  return f;
}

/** zoneName is the zone in few letters: JST, UTC, or its name. */
export function zoneName(zone: string): string {
  const z = zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (z === "Asia/Tokyo") return "JST";
  if (z === "UTC" || z === "Etc/UTC") return "UTC";
  return (
    new Intl.DateTimeFormat("en-GB", { timeZone: z, timeZoneName: "short" })
      .formatToParts(0)
      .find((p) => p.type === "timeZoneName")?.value ?? z
  );
}

/** exact writes a time to the second in a zone. */
export function exact(t: string | undefined, zone: string, lang: Lang, seconds = true): string {
  if (isZero(t)) return "";
  return format(zone, lang, seconds).format(new Date(t!));
}

/** exactUTC writes the time as logs do. */
export function exactUTC(t: string): string {
  return new Date(t).toISOString().replace(/\.000Z$/, "Z");
}
