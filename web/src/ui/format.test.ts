import { expect, test } from "vitest";
import { bytes, duration, percent } from "./format";

test("bytes", () => {
  expect(bytes(0, "en")).toBe("0 B");
  expect(bytes(999, "en")).toBe("999 B");
  expect(bytes(1000, "en")).toBe("1 kB");
  // 999,999 is not "1,000 kB".
  expect(bytes(999_999, "en")).toBe("1 MB");
  expect(bytes(1_449_000_000, "en")).toBe("1.4 GB");
  expect(bytes(99_960, "en")).toBe("100 kB");
  expect(bytes(5e18, "ja")).toBe("5,000 PB");
});

test("duration", () => {
  expect(duration(undefined, "en")).toBe("–");
  expect(duration(0, "en")).toBe("0 s");
  expect(duration(59.6, "en")).toBe("1 m");
  expect(duration(3600, "en")).toBe("1 h");
  expect(duration(12_000, "en")).toBe("3 h 20 m");
  expect(duration(12_000, "ja")).toBe("3 時間 20 分");
  // The second unit is the next one, never one that is smaller: a day and 30 seconds is a day.
  expect(duration(86_430, "en")).toBe("1 d");
});

test("percent", () => {
  expect(percent(0, "en")).toBe("0%");
  expect(percent(0.004, "en")).toBe("0.4%");
  expect(percent(0.426, "en")).toBe("43%");
});
