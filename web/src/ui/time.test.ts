import { describe, expect, it } from "vitest";
import { en } from "../i18n/en";
import { ja } from "../i18n/ja";
import { distant, exact, isZero, relative, zoneName } from "./time";

const now = Date.parse("2026-11-28T12:00:00Z");
const past = (s: number) => new Date(now - s * 1000).toISOString();

describe("relative", () => {
  it("says how long ago in one unit", () => {
    const cases: [number, string, string][] = [
      [0, "now", "たった今"],
      [12, "12s ago", "12秒前"],
      [59, "59s ago", "59秒前"],
      [60, "1m ago", "1分前"],
      [3599, "59m ago", "59分前"],
      [47 * 3600, "47h ago", "47時間前"],
      [48 * 3600, "2d ago", "2日前"],
      [400 * 86400, "400d ago", "400日前"],
    ];
    for (const [s, english, japanese] of cases) {
      expect(relative(past(s), now, en.time)).toBe(english);
      expect(relative(past(s), now, ja.time)).toBe(japanese);
    }
  });
  it("leaves what is long ago, or far ahead, to its day", () => {
    expect(distant(past(44 * 86_400), now)).toBe(false);
    expect(distant(past(46 * 86_400), now)).toBe(true);
    expect(distant(past(-400 * 86_400), now)).toBe(true);
    expect(distant("0001-01-01T00:00:00Z", now)).toBe(false);
  });
  it("says what is ahead, and what never was", () => {
    expect(relative(past(-3600), now, en.time)).toBe("in 1h");
    expect(relative("0001-01-01T00:00:00Z", now, en.time)).toBe("never");
    expect(relative(undefined, now, ja.time)).toBe("なし");
    expect(isZero("0001-01-01T00:00:00Z")).toBe(true);
  });
});

describe("exact", () => {
  it("writes the time in the zone that was asked for", () => {
    expect(exact("2026-11-28T15:04:05Z", "Asia/Tokyo", "en")).toBe("2026-11-29 00:04:05");
    expect(exact("2026-11-28T15:04:05Z", "UTC", "en")).toBe("2026-11-28 15:04:05");
    expect(exact("2026-11-28T15:04:05Z", "Asia/Tokyo", "ja")).toBe("2026/11/29 00:04:05");
  });
  it("names zones in few letters", () => {
    expect(zoneName("Asia/Tokyo")).toBe("JST");
    expect(zoneName("UTC")).toBe("UTC");
  });
});
