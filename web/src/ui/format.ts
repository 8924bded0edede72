// Sizes and lengths of time for people.
import type { Lang } from "../i18n/words";

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/** bytes writes a size in decimal units: 1.4 GB. */
export function bytes(n: number, lang: Lang): string {
  let u = 0;
  let v = n;
  while (Math.abs(v) >= 999.5 && u < units.length - 1) {
    v /= 1000;
    u++;
  }
  const digits = u === 0 || Math.abs(v) >= 99.95 ? 0 : 1;
  return `${new Intl.NumberFormat(lang === "ja" ? "ja-JP" : "en-GB", { minimumFractionDigits: 0, maximumFractionDigits: digits }).format(v)} ${units[u]}`;
}

const spans: [number, { en: string; ja: string }][] = [
  [86_400, { en: "d", ja: "日" }],
  [3600, { en: "h", ja: "時間" }],
  [60, { en: "m", ja: "分" }],
  [1, { en: "s", ja: "秒" }],
];

/** duration writes seconds in the two greatest units that say something: 3 h 20 m. */
export function duration(seconds: number | undefined, lang: Lang): string {
  if (seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return "–";
  let rest = Math.round(seconds);
  const at = Math.max(
    0,
    spans.findIndex(([s]) => rest >= s),
  );
  if (rest === 0) return `0 ${spans[3]![1][lang]}`;
  const out: string[] = [];
  for (const [s, word] of spans.slice(at, at + 2)) {
    const n = Math.floor(rest / s);
    rest -= n * s;
    if (n > 0) out.push(`${n} ${word[lang]}`);
  }
  return out.join(" ");
}

/** percent writes a share of one: 0.4 % below one in a hundred, whole above ten. */
export function percent(share: number, lang: Lang): string {
  return new Intl.NumberFormat(lang === "ja" ? "ja-JP" : "en-GB", {
    style: "percent",
    maximumFractionDigits: share > 0 && share < 0.1 ? 1 : 0,
  }).format(share);
}
