import { MantineProvider } from "@mantine/core";
import { render } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { countHidden, parts, plain } from "./hostile";
import { RawEvent } from "./RawEvent";
import { lines, linesOf, marks, pathOf } from "./raw";

const clause = (field: string, actual: string, path?: string) => ({ field, op: "equals", value: "v", actual, path });

describe("records", () => {
  it("keeps numbers as they were written, and keys that are there twice", () => {
    const text = '{"id":1234567890123456789012,"f":1.10,"n":7,"n":8}';
    expect(linesOf(text).map((l) => l.value)).toEqual(["{", "1234567890123456789012", "1.10", "7", "8", "}"]);
  });
  it("takes what is no JSON as a text", () => {
    for (const t of [
      "2 123456789012 eni-1 ACCEPT OK",
      '{"a":',
      "{'a':1}",
      "[1,]",
      '{"a":1}}',
      "",
      "nul",
      '{"a" 1}',
      "[1}",
      `${"[".repeat(300)}${"]".repeat(300)}`,
    ])
      expect(linesOf(t).map((l) => [l.kind, l.value])).toEqual([["text", t]]);
    expect(linesOf("a\nb").map((l) => l.value)).toEqual(["a", "b"]);
  });
  it("reads the same from a text as from a value", () => {
    const v = { a: [], b: {}, c: [1, { d: null }, [[]]], e: 'x"y\\', f: true, g: -1.5e-7 };
    expect(linesOf(JSON.stringify(v, null, 1))).toEqual(lines(v));
  });
  it("writes JSON that is the record again", () => {
    const v = { a: [], b: {}, c: [1, { d: null }], "e\n": 'x"y', f: true };
    const text = lines(v)
      .map((l) => (l.key !== undefined ? `${JSON.stringify(l.key)}:` : "") + l.value + (l.comma ? "," : ""))
      .join("");
    expect(JSON.parse(text)).toEqual(v);
  });
});

describe("marks", () => {
  const ls = lines({
    userIdentity: { type: "IAMUser" },
    resources: [{ arn: "a" }, { arn: "b" }],
    eventName: "StopLogging",
    other: "only here",
  });
  const keys = (c: ReturnType<typeof clause>) => [...marks(ls, [c]).keys()].map((n) => ls[n]!.path.join("."));
  it("finds the value by the server's path in any of its forms", () => {
    for (const p of ["userIdentity.type", "$.userIdentity.type", "/userIdentity/type", '$["userIdentity"].type'])
      expect(keys(clause("x", "IAMUser", p))).toEqual(["userIdentity.type"]);
  });
  it("finds it by the field of the rule, in arrays by what was found", () => {
    expect(keys(clause("eventName", "StopLogging"))).toEqual(["eventName"]);
    expect(keys(clause("resources.arn", "b"))).toEqual(["resources.1.arn"]);
  });
  it("finds it by a value that is there once, and marks nothing on a guess", () => {
    expect(keys(clause("mapped.name", "only here"))).toEqual(["other"]);
    expect(keys(clause("nothing", ""))).toEqual([]);
    expect(keys(clause("nothing", "not there"))).toEqual([]);
  });
  it("cuts paths", () => {
    expect(pathOf("$.a[0].b")).toEqual(["a", "0", "b"]);
    expect(pathOf("/a~1b/c~0d")).toEqual(["a/b", "c~d"]);
  });
});

describe("ways on from a record", () => {
  it("makes a way on of whom and what the record names, and changes nothing of what it says", () => {
    const raw = '{"src":"198.51.100.7","n":1,"list":["arn:aws:iam::1:user/bob"],"esc":"\\nmary@corp.example \\"x\\""}';
    const { container } = render(
      <MantineProvider>
        <RawEvent raw={raw} clauses={[clause("src", "198.51.100.7")]} entities={[{ type: "ip", id: "198.51.100.7" }]} />
      </MantineProvider>,
    );
    expect([...container.querySelectorAll("a.named")].map((b) => b.textContent)).toEqual([
      "198.51.100.7",
      "arn:aws:iam::1:user/bob",
      "mary@corp.example",
    ]);
    expect(container.querySelector("mark")?.textContent).toBe('"198.51.100.7"');
    const text = [...container.querySelectorAll(".raw-text")].map((l) => l.textContent).join("");
    expect(text).toContain('"esc": "\\nmary@corp.example \\"x\\""');
  });
});

describe("hostile text", () => {
  it("shows what a screen hides as codes", () => {
    expect(parts("a\u202egnp.exe")).toEqual([{ text: "a" }, { text: "U+202E", code: true }, { text: "gnp.exe" }]);
    for (const c of [
      "\u0000",
      "\u001b",
      "\u200b",
      "\u2066",
      "\ufeff",
      "\u00ad",
      "\u{e0041}",
      "\u3164",
      "\ud800",
      "\u2028",
      "\r",
    ])
      expect(countHidden(`x${c}y`)).toBe(1);
    expect(plain("a\u200bb")).toBe("a[U+200B]b");
  });
  it("leaves what people write: Japanese, accents, emoji, tabs and lines", () => {
    expect(countHidden("権限・漏洩 é 😀\t\n「監査」")).toBe(0);
  });
  it("makes no element of a text, whatever it holds", () => {
    const evil = { userAgent: '<img src=x onerror="alert(1)"><script>alert(1)</script>\u202e', "</mark><b>": "x" };
    const { container } = render(
      <MantineProvider>
        <RawEvent raw={evil} clauses={[clause("userAgent", evil.userAgent)]} />
      </MantineProvider>,
    );
    expect(container.querySelector("img, script, b")).toBeNull();
    expect(container.querySelector("mark")?.textContent).toContain("<script>alert(1)</script>");
    expect(container.querySelector(".code-point")?.textContent).toBe("U+202E");
    for (const el of container.querySelectorAll("*"))
      for (const a of el.attributes) expect(a.name.startsWith("on")).toBe(false);
  });
});
