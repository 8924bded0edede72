import { describe, expect, it } from "vitest";
import { opWord, spanWord } from "./clause";

describe("conditions for people", () => {
  it("says Sigma's words, negated too, and leaves signs of other languages", () => {
    expect(opWord("endswith", "en")).toBe("ends with");
    expect(opWord("not endswith", "en")).toBe("does not end with");
    expect(opWord("not equals", "ja")).toBe("不一致");
    expect(opWord("gte", "ja")).toBe("≥");
    expect(opWord("has_any", "en")).toBe("has_any");
    expect(opWord("constructor", "en")).toBe("constructor");
  });
  it("drops the zeros of lengths of time, and nothing else", () => {
    expect(spanWord("24h0m0s")).toBe("24h");
    expect(spanWord("10m0s")).toBe("10m");
    expect(spanWord("2m36s")).toBe("2m 36s");
    expect(spanWord("0s")).toBe("0s");
    expect(spanWord("203.0.113.66")).toBe("203.0.113.66");
  });
});
