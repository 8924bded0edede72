import { describe, expect, it } from "vitest";
import { hrefOf, merge } from "./EntityGraph";

const n = (id: string, type = "ip") => ({ id, type, label: id, n: 1 });

describe("graph", () => {
  it("adds what is new and keeps what is there once", () => {
    const a = { nodes: [n("a"), n("b")], edges: [{ from: "a", to: "b", label: "x", n: 1 }] };
    const b = {
      nodes: [n("b"), n("c")],
      edges: [
        { from: "a", to: "b", label: "x", n: 1 },
        { from: "b", to: "c", label: "y", n: 2 },
        { from: "b", to: "gone", label: "z", n: 1 },
      ],
      cut: true,
    };
    const m = merge(a, b);
    expect(m.nodes.map((x) => x.id)).toEqual(["a", "b", "c"]);
    expect(m.edges.map((e) => e.label)).toEqual(["x", "y"]);
    expect(m.cut).toBe(true);
  });
  it("leads to the page of a node", () => {
    expect(hrefOf(n("ip/203.0.113.7"))).toBe("/entities/ip/203.0.113.7");
    expect(hrefOf(n("issue/01J8", "issue"))).toBe("/issues/01J8");
    expect(hrefOf(n("arn:aws:iam::1:user/a b", "user"))).toBe("/entities/user/arn%3Aaws%3Aiam%3A%3A1%3Auser%2Fa%20b");
  });
});
