import { describe, expect, it } from "vitest";
import { apply, tokens } from "./querybar";
import { fromBytes, toBytes } from "./utf8";

const kinds = (q: string) => tokens(q).map((t) => `${t.kind} ${t.text}`);

describe("tokens", () => {
  it("cuts terms into fields, operators and values", () => {
    expect(kinds('severity:>=high -label:known "free text" word')).toEqual([
      "field severity:",
      "op >=",
      "value high",
      "space  ",
      "not -",
      "field label:",
      "value known",
      "space  ",
      'text "free text"',
      "space  ",
      "text word",
    ]);
  });
  it("keeps several values together, quoted ones too", () => {
    expect(kinds('rule:"a b","c d",e x')).toEqual(["field rule:", 'value "a b","c d",e', "space  ", "text x"]);
  });
  it("is the query again when it is joined, whatever was written", () => {
    for (const q of [
      "",
      " ",
      ':::"',
      '-"',
      "a:",
      "a:>=",
      "重大度:高 権限",
      'x:"open',
      "a:b:c",
      "--a",
      'a""b',
      "\\",
      "a:,b",
      '"a"b:"',
    ])
      expect(
        tokens(q)
          .map((t) => t.text)
          .join(""),
      ).toBe(q);
  });
});

describe("places", () => {
  it("turns bytes of UTF-8 into places of the string and back", () => {
    const q = "重大度:高 é😀x";
    for (const at of [0, 1, 3, 4, 5, 6, 7, 9, 10]) expect(fromBytes(q, toBytes(q, at))).toBe(at);
    expect(toBytes(q, 3)).toBe(9);
    expect(fromBytes(q, 999)).toBe(q.length);
  });
  it("puts a suggestion in place of what was begun", () => {
    expect(apply("status:op x", 7, 9, "open")).toEqual({ q: "status:open x", at: 11 });
  });
});
