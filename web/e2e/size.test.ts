import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

const dist = join(import.meta.dirname, "../dist");
const text = (name: string) => readFileSync(join(dist, "assets", name), "utf8");

/** names of the files that a text loads before it runs: what it imports by name, not by call. */
function imports(code: string): string[] {
  return [...code.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)\?v=/g)].map((m) => m[1]!);
}

function load(roots: string[]): Set<string> {
  const seen = new Set<string>();
  const walk = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    if (name.endsWith(".js")) imports(text(name)).forEach(walk);
  };
  roots.forEach(walk);
  return seen;
}

const packed = (names: Iterable<string>) =>
  [...names].reduce((n, name) => n + gzipSync(text(name), { level: 9 }).length, 0);

describe("what is built", () => {
  const html = readFileSync(join(dist, "index.html"), "utf8");
  const first = [...html.matchAll(/\/assets\/([\w.-]+\.(?:js|css))\?v=/g)].map((m) => m[1]!);

  it("loads at first less than 220 KB, the list of issues included", () => {
    expect(first.length).toBeGreaterThan(2);
    const names = load([...first, "page-issues.js"]);
    for (const css of ["page-issues.css", "Page.css"]) if (existsSync(join(dist, "assets", css))) names.add(css);
    const n = packed(names);
    console.log(
      `initial load ${(packed(load(first)) / 1024).toFixed(1)} KB, with the list of issues ${(n / 1024).toFixed(1)} KB`,
    );
    expect(n).toBeLessThan(220 * 1024);
  });
  it("leaves graph, editor and charts to the pages that need them", () => {
    for (const name of load([...first, "page-issues.js", "page-issue.js"]))
      expect(text(name)).not.toMatch(/cytoscape|codemirror|uPlot/i);
  });
});
