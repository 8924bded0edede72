import { expect, test } from "vitest";
import { bytes, cell, chartOf, fitted, rangeOf, widths } from "./result";

const c = (name: string, type: string) => ({ name, type });

test("cells are text", () => {
  expect([null, undefined, 0, false, "x", { a: 1 }, ["a"]].map(cell)).toEqual([
    "",
    "",
    "0",
    "false",
    "x",
    '{"a":1}',
    '["a"]',
  ]);
});

test("a time and a number make lines, one of each name", () => {
  const t = (h: number) => `2026-11-01T0${h}:00:00Z`;
  const d = chartOf(
    [c("t", "datetime"), c("action", "string"), c("n", "long")],
    [
      [t(1), "b", 2],
      [t(0), "a", 1],
      [t(1), "a", 3],
    ],
  );
  expect(d).toMatchObject({
    kind: "time",
    series: [
      { name: "b", values: [null, 2] },
      { name: "a", values: [1, 3] },
    ],
  });
});

test("a name and a number make bars", () => {
  expect(chartOf([c("n", "BIGINT"), c("who", "VARCHAR")], [[3, "mary"]])).toEqual({
    kind: "bars",
    names: ["mary"],
    values: [3],
    label: "n",
  });
});

test("nothing to draw is said", () => {
  expect(chartOf([c("who", "string")], [["mary"]])).toBeNull();
  expect(chartOf([c("n", "long")], [[1]])).toBeNull();
  expect(chartOf([c("t", "datetime"), c("n", "long")], [])).toBeNull();
});

test("columns are as wide as their values, and Japanese is wider", () => {
  const [a, b] = widths(
    [c("a", "string"), c("b", "string")],
    [["xxxxxxxxxxxxxxxxxxxx", "権限権限権限権限権限権限権限権限権限権限"]],
  );
  expect(b).toBeGreaterThan(a!);
  expect(widths([c("a", "string")], [["x".repeat(1000)]])[0]).toBeLessThanOrEqual(460);
});

test("sizes and ranges", () => {
  expect([0, 999, 1500, 2_500_000, 3e12].map(bytes)).toEqual(["0 B", "999 B", "1.5 KB", "2.5 MB", "3.0 TB"]);
  const now = Date.parse("2026-11-28T12:00:00Z");
  expect(rangeOf("24h", undefined, undefined, now)).toEqual({ from: "2026-11-27T12:00:00.000Z" });
  expect(rangeOf("custom", "2026-11-01T00:00:00Z", "", now)).toEqual({ from: "2026-11-01T00:00:00Z", to: undefined });
  expect(rangeOf(undefined, undefined, undefined, now)).toEqual({ from: undefined, to: undefined });
});

test("fit leaves what has room, and makes the widest narrower until all are seen", () => {
  expect(fitted([100, 200], 400)).toEqual([100, 200]);
  expect(fitted([420, 300, 80, 120], 800)).toEqual([300, 300, 80, 120]);
  const sizes = fitted([420, 380, 80, 120], 700);
  expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(700);
  expect(sizes.slice(2)).toEqual([80, 120]);
});
test("fit lets a table be scrolled where its columns would say nothing", () => {
  expect(fitted([420, 420, 420, 420], 500)).toEqual([420, 420, 420, 420]);
  expect(fitted([420], 0)).toEqual([420]);
});
