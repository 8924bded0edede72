import { expect, test } from "vitest";
import { diff, hunks } from "./diff";
import { resolve } from "./links";

const show = (a: string, b: string) => diff(a, b).map((l) => ({ same: " ", out: "-", in: "+" })[l.kind] + l.text);

test("diff", () => {
  expect(show("a\nb\nc", "a\nb\nc")).toEqual([" a", " b", " c"]);
  expect(show("a\nb\nc", "a\nx\nc\nd")).toEqual([" a", "-b", "+x", " c", "+d"]);
  expect(show("", "a")).toEqual(["-", "+a"]);
  // Lines that repeat: head and tail never overlap.
  expect(show("a\na\na", "a\na")).toEqual([" a", " a", "-a"]);
});

test("both sides can be had back from a difference", () => {
  let seed = 7;
  const random = (n: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
  for (let i = 0; i < 200; i++) {
    const text = () => Array.from({ length: random(12) }, () => "abc"[random(3)]).join("\n");
    const [a, b] = [text(), text()];
    const d = diff(a, b);
    const side = (k: "in" | "out") =>
      d
        .filter((l) => l.kind === "same" || l.kind === k)
        .map((l) => l.text)
        .join("\n");
    expect([side("out"), side("in")]).toEqual([a, b]);
  }
});

test("hunks leave out what is far from changes", () => {
  const a = Array.from({ length: 30 }, (_, i) => `l${i}`).join("\n");
  const h = hunks(diff(a, a.replace("l15", "x")));
  expect(h.map((l) => (l ? l.text : "…"))).toEqual(["…", "l12", "l13", "l14", "l15", "x", "l16", "l17", "l18", "…"]);
});

test("links stay among the documents", () => {
  const open = (href: string) => new URLSearchParams(resolve("runbooks/aws/root.md", href).split("?")[1]).get("open");
  expect(open("key.md")).toBe("runbooks/aws/key.md");
  expect(open("../../handbook/a%20b.md")).toBe("handbook/a b.md");
  expect(open("../../../../../etc/passwd")).toBe("etc/passwd");
  expect(resolve("a.md", "https://example.com/x")).toBe("https://example.com/x");
  expect(resolve("a.md", "#top")).toBe("#top");
  expect(resolve("a.md", "/issues")).toBe("/issues");
  expect(resolve("a.md", "b.md#part")).toBe("/documents?open=b.md#part");
  expect(open("100%.md")).toBe("runbooks/aws/100%.md");
});
