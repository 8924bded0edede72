// What needs hands, out of the overview: the most urgent first. A number that nobody has to do
// anything about is not here.
import type { Overview } from "../../api/types";

export type Hand = {
  key: string;
  tone: "bad" | "warn";
  href: string;
} & (
  | { what: "level"; level: "critical" | "high"; n: number; working: number }
  | {
      what: "source";
      name: string;
      state: "failing" | "silent" | "late";
      lag_s?: number;
      last_event?: string;
      error?: string;
    }
  | { what: "sources"; n: number }
  | { what: "dead"; sink: string; n: number }
  | { what: "stuck"; sink: string; n: number; oldest: string }
  | { what: "letters"; n: number }
);

/** A notice that has waited for so long is stuck: retries are minutes apart. */
export const stuckAfter = 15 * 60_000;

/** listHref is the page of a list with a query. */
export function listHref(list: string, q: string): string {
  return `/${list}?${new URLSearchParams({ q })}`;
}

/** hands lists what needs hands. now is the time of the server. */
export function hands(o: Overview, now: number): Hand[] {
  const out: Hand[] = [];
  for (const level of ["critical", "high"] as const) {
    const l = (o.open ?? []).find((x) => x.severity === level);
    if (l && l.open > 0)
      out.push({
        key: level,
        tone: level === "critical" ? "bad" : "warn",
        what: "level",
        level,
        n: l.open,
        working: l.acknowledged,
        href: listHref("issues", `status:open severity:${level} suppressed:no`),
      });
  }
  const ill = (o.sources ?? []).filter((s) => s.state === "failing" || s.state === "silent" || s.state === "late");
  const rank = { failing: 0, silent: 1, late: 2, ok: 3, waiting: 4 };
  ill.sort((a, b) => rank[a.state] - rank[b.state] || (b.lag_s ?? 0) - (a.lag_s ?? 0));
  const shown = ill.length > 3 ? ill.slice(0, 2) : ill;
  for (const s of shown)
    out.push({
      key: `source/${s.name}`,
      tone: s.state === "late" ? "warn" : "bad",
      what: "source",
      name: s.name,
      state: s.state as "failing" | "silent" | "late",
      lag_s: s.lag_s,
      last_event: s.last_event,
      error: s.error,
      href: `/sources?open=${encodeURIComponent(s.name)}`,
    });
  if (ill.length > shown.length)
    out.push({
      key: "sources",
      tone: "warn",
      what: "sources",
      n: ill.length - shown.length,
      href: listHref("sources", "state:failing,silent,late"),
    });
  for (const s of o.sinks ?? []) {
    if (s.dead > 0)
      out.push({
        key: `dead/${s.name}`,
        tone: "bad",
        what: "dead",
        sink: s.name,
        n: s.dead,
        href: `/sinks?${new URLSearchParams({ tab: "notices", q: `sink:${quoted(s.name)} state:dead` })}`,
      });
    if (s.waiting > 0 && s.oldest && now - Date.parse(s.oldest) > stuckAfter)
      out.push({
        key: `stuck/${s.name}`,
        tone: "warn",
        what: "stuck",
        sink: s.name,
        n: s.waiting,
        oldest: s.oldest,
        href: `/sinks?${new URLSearchParams({ tab: "notices", q: `sink:${quoted(s.name)} state:waiting` })}`,
      });
  }
  if ((o.dead_letters?.n ?? 0) > 0)
    out.push({
      key: "letters",
      tone: "warn",
      what: "letters",
      n: o.dead_letters.n,
      href: `/ledger?${new URLSearchParams({ tab: "dead-letters", q: o.dead_letters.q || "retried:no" })}`,
    });
  // Bad before warn, each in the order above; sort is stable.
  return out.sort((a, b) => (a.tone === b.tone ? 0 : a.tone === "bad" ? -1 : 1));
}

function quoted(s: string): string {
  return /^[\w.-]+$/.test(s) ? s : `"${s.replace(/\\/g, "\\\\").replace(/"/g, '\\"')}"`;
}
