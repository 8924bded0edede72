import { describe, expect, it } from "vitest";
import { pages } from "../src/app/pages";
import { Cover, routes } from "./cover.mjs";

const looks = ["en dark", "ja light"];

describe("what the end-to-end run must look at", () => {
  it("is every page that the console has", () => {
    expect(routes()).toEqual(pages.map((p) => p.path));
  });
  it("names a page that no visit looked at", () => {
    const c = new Cover(["/", "/issues", "/new"], looks);
    for (const l of looks) for (const a of ["http://h/", "http://h/issues?q=x"]) c.look(a, l, []);
    expect(c.missing()).toEqual(["no visit of e2e/pages.mjs looks at /new (en dark, ja light)"]);
  });
  it("names the language and theme that were left out", () => {
    const c = new Cover(["/"], looks);
    c.look("/", "en dark", []);
    expect(c.missing()).toEqual(["no visit of e2e/pages.mjs looks at / (ja light)"]);
  });
  it("names a tab that a page shows and nobody opened", () => {
    const c = new Cover(["/settings"], ["en dark"]);
    c.look("/settings", "en dark", ["/settings", "/settings?tab=users"]);
    expect(c.missing()).toEqual(["no visit of e2e/pages.mjs looks at /settings?tab=users (en dark)"]);
    c.look("/settings?tab=users&open=1", "en dark", []);
    expect(c.missing()).toEqual([]);
  });
  it("names a tab without an address of its own", () => {
    const c = new Cover(["/issues/$id"], ["en dark"]);
    c.look("/issues/1", "en dark", ["/issues/1#tab-0", "/issues/1#tab-1"]);
    c.look("/issues/1#tab-0", "en dark", []);
    expect(c.missing()).toEqual(["no visit of e2e/pages.mjs looks at /issues/$id#tab-1 (en dark)"]);
  });
  it("tells a page with a variable from one without, and an address that is none", () => {
    const c = new Cover(["/rules", "/rules/$id", "/rules/new"], ["en dark"]);
    expect(c.route("/rules/new")).toBe("/rules/new");
    expect(c.route("/rules/a%2Fb")).toBe("/rules/$id");
    expect(c.route("/rules/")).toBeUndefined();
    c.look("/nowhere", "en dark", []);
    expect(c.missing()[0]).toBe("/nowhere is no page of src/app/pages.ts");
  });
});
