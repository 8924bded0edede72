import { expect, test } from "vitest";
import { agentName } from "./agent";
import { link } from "./links";
import { expiry, same, scopeText, toBindings, toDraft } from "./scope";

test("agentName", () => {
  const chrome =
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
  expect(agentName(chrome)).toBe("Chrome 131 · macOS");
  expect(agentName(`${chrome} Edg/131.0.1`)).toBe("Edge 131 · macOS");
  expect(
    agentName(
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
    ),
  ).toBe("Safari 18 · iPhone");
  expect(agentName("curl/8.5.0")).toBe("curl 8");
  expect(agentName("x".repeat(70))).toBe(`${"x".repeat(60)}…`);
});

test("bindings: what is written by hand, as people separate things", () => {
  const draft = toDraft([{ role: "analyst", scope: { accounts: ["1", "2"] } }, { role: "viewer" }]);
  expect(draft).toEqual([
    { role: "analyst", tenants: "", accounts: "1, 2", formats: "" },
    { role: "viewer", tenants: "", accounts: "", formats: "" },
  ]);
  draft[0]!.accounts = " 1、2,\n3  1 ";
  expect(toBindings(draft)).toEqual([{ role: "analyst", scope: { accounts: ["1", "2", "3"] } }, { role: "viewer" }]);
});

test("same: a scope that is empty is none", () => {
  expect(same([{ role: "viewer", scope: {} }], [{ role: "viewer" }])).toBe(true);
  expect(same([{ role: "viewer", scope: { accounts: ["1"] } }], [{ role: "viewer" }])).toBe(false);
  expect(same([{ role: "viewer" }, { role: "admin" }], [{ role: "admin" }, { role: "viewer" }])).toBe(false);
});

test("scopeText", () => {
  expect(scopeText(undefined)).toBe("");
  expect(scopeText({ tenants: ["shop"], accounts: ["1", "2", "3", "4"], formats: ["aws"] })).toBe(
    "shop, 1, 2, … +2 · aws",
  );
});

test("expiry is never beyond the year that the server takes", () => {
  const now = Date.parse("2026-05-01T10:00:00Z");
  expect(expiry(30, now)).toBe("2026-05-31T10:00:00.000Z");
  expect(Date.parse(expiry(365, now)) - now).toBeLessThan(365 * 86_400_000);
});

test("link: the key is behind #, which no server hears", () => {
  expect(link("a_b-c", "https://y.example")).toBe("https://y.example/setup#key=a_b-c");
});
