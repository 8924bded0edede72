import { expect, test } from "vitest";
import { days } from "./days";

test("days without anything are there, as zero", () => {
  expect(
    days([
      { at: "2026-05-04T00:00:00Z", n: 2 },
      { at: "2026-05-01T00:00:00Z", n: 1 },
      { at: "2026-05-04T00:00:00Z", n: 3 },
    ]).map((d) => [d.at.slice(0, 10), d.n]),
  ).toEqual([
    ["2026-05-01", 1],
    ["2026-05-02", 0],
    ["2026-05-03", 0],
    ["2026-05-04", 5],
  ]);
  expect(days([])).toEqual([]);
  expect(days([{ at: "never", n: 1 }])).toEqual([]);
});

test("a year is the most", () => {
  expect(
    days([
      { at: "2020-05-01T00:00:00Z", n: 1 },
      { at: "2026-05-01T00:00:00Z", n: 1 },
    ]),
  ).toHaveLength(366);
});
