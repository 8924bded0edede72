import { describe, expect, it } from "vitest";
import { hrefOf, merge, star } from "./EntityGraph";

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
  it("places what hangs on one thing within the box, and apart", () => {
    for (const many of [2, 12, 28]) {
      const rest = Array.from({ length: many }, (_, i) => n(`n${i}`));
      const edges = rest.map((r, i) => ({ from: i % 2 ? "root" : r.id, to: i % 2 ? r.id : "root", label: "x", n: 1 }));
      const at = star({ nodes: [n("root"), ...rest], edges }, "root", 720, 400)!;
      const places = [...at.values()];
      expect(places.length).toBe(many + 1);
      for (const [i, p] of places.entries()) {
        expect(p.x).toBeGreaterThan(60);
        expect(p.x).toBeLessThan(660);
        expect(p.y).toBeGreaterThan(10);
        expect(p.y).toBeLessThan(380);
        for (const q of places.slice(0, i)) expect(Math.hypot(p.x - q.x, p.y - q.y)).toBeGreaterThan(30);
      }
    }
    const chain = [
      { from: "a", to: "b", label: "x", n: 1 },
      { from: "b", to: "c", label: "x", n: 1 },
    ];
    expect(star({ nodes: [n("a"), n("b"), n("c")], edges: chain }, "a", 720, 400)).toBeUndefined();
  });
  it("leads to the page of a node", () => {
    expect(hrefOf(n("ip/203.0.113.7"))).toBe("/entities/ip/203.0.113.7");
    expect(hrefOf(n("issue/01J8", "issue"))).toBe("/issues/01J8");
    expect(hrefOf(n("arn:aws:iam::1:user/a b", "user"))).toBe("/entities/user/arn%3Aaws%3Aiam%3A%3A1%3Auser%2Fa%20b");
  });
});
