import { expect, test } from "vitest";
import type { AttackTechnique, Overview, SinkBrief } from "../../api/types";
import { heat, matrix } from "./matrix";
import { hands } from "./urgent";

const now = Date.parse("2026-05-01T12:00:00Z");

const sink = (s: Partial<SinkBrief> & { name: string }): SinkBrief => ({
  kind: s.name,
  state: "ok",
  waiting: 0,
  dead: 0,
  q: "",
  ...s,
});

function calm(): Overview {
  return {
    at: "2026-05-01T12:00:00Z",
    open: [
      { severity: "critical", open: 0, acknowledged: 2, q: "" },
      { severity: "high", open: 0, acknowledged: 0, q: "" },
      { severity: "medium", open: 40, acknowledged: 0, q: "" },
    ],
    new_since: { n: 3, q: "" },
    suppressed: { n: 1, q: "" },
    since: "2026-04-30T12:00:00Z",
    unassigned: { n: 0, q: "" },
    acknowledge: { days: 30, n: 0, median_s: 0, p90_s: 0, by_severity: [] },
    noisy: [],
    sources: [{ name: "s3", kind: "s3", state: "ok", waiting: 0, lag_s: 0, q: "" }],
    hours: [],
    events_known: true,
    sinks: [sink({ name: "slack", waiting: 2, oldest: "2026-05-01T11:50:00Z" })],
    dead_letters: { n: 0, q: "" },
  };
}

test("calm: what is in progress, medium, new, or waits for a moment needs no hands", () => {
  expect(hands(calm(), now)).toEqual([]);
});

test("whoever does not see the whole installation has no sources and sinks", () => {
  expect(hands({ ...calm(), sources: undefined, sinks: undefined }, now)).toEqual([]);
});

test("bad stands before warn, whatever it is about", () => {
  const o = calm();
  o.open[0]!.open = 1;
  o.open[1]!.open = 9;
  o.sources = [
    { name: "late", kind: "s3", state: "late", waiting: 9, lag_s: 4000, q: "" },
    { name: "gone", kind: "push", state: "silent", waiting: 0, lag_s: 0, q: "" },
    { name: "new", kind: "push", state: "waiting", waiting: 0, lag_s: 0, q: "" },
  ];
  o.sinks = [sink({ name: "pager duty", waiting: 1, dead: 4, oldest: "2026-05-01T11:00:00Z" })];
  o.dead_letters = { n: 12, q: "retried:no" };
  const list = hands(o, now);
  expect(list.map((h) => [h.key, h.tone])).toEqual([
    ["critical", "bad"],
    ["source/gone", "bad"],
    ["dead/pager duty", "bad"],
    ["high", "warn"],
    ["source/late", "warn"],
    ["stuck/pager duty", "warn"],
    ["letters", "warn"],
  ]);
  expect(new URLSearchParams(list[2]!.href.split("?")[1]).get("q")).toBe('sink:"pager duty" state:dead');
});

test("many ill sources are summed up, so that they do not bury the rest", () => {
  const o = calm();
  o.sources = Array.from({ length: 9 }, (_, i) => ({
    name: `s${i}`,
    kind: "s3",
    state: i === 7 ? ("failing" as const) : ("late" as const),
    waiting: 0,
    lag_s: i,
    q: "",
  }));
  const list = hands(o, now);
  expect(list.map((h) => h.key)).toEqual(["source/s7", "source/s8", "sources"]);
  expect(list[2]).toMatchObject({ what: "sources", n: 7 });
});

const t = (id: string, tactics: string[], findings: number, rules = 1): AttackTechnique => ({
  id,
  name: `name of ${id}`,
  tactics,
  rules,
  findings,
  issues: 0,
  q: "",
});

test("sub-techniques are counted with their technique, below each of its tactics", () => {
  const m = matrix([
    t("T1078.004", ["persistence", "initial-access"], 5, 2),
    t("T1078", ["persistence", "initial-access", "defense-evasion"], 1),
    t("T1562.008", ["defense-evasion"], 40),
    t("T9999", ["no-such-tactic"], 3),
  ]);
  expect(m.map((c) => [c.tactic, c.cells.map((x) => x.id)])).toEqual([
    ["initial-access", ["T1078"]],
    ["persistence", ["T1078"]],
    ["defense-evasion", ["T1562", "T1078"]],
  ]);
  expect(m[0]!.cells[0]).toMatchObject({ name: "name of T1078", findings: 6, rules: 3 });
  expect(m[2]!.cells[0]!.name).toBe("name of T1562.008");
});

test("heat", () => {
  expect([0, 1, 3, 4, 15, 16, 64, 255, 256, 1e9].map(heat)).toEqual([0, 1, 1, 2, 2, 3, 4, 4, 5, 5]);
});
