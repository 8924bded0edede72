import { expect, test } from "vitest";
import { subjectHref } from "./subject";

test("subjectHref", () => {
  expect(subjectHref("issue/01JABC")).toBe("/issues/01JABC");
  // Ids have slashes; what is asked for is never another path.
  expect(subjectHref("rule/aws/../x?y")).toBe("/rules/aws%2F..%2Fx%3Fy");
  expect(subjectHref("document/runbooks/root.ja.md")).toBe("/documents?open=runbooks%2Froot.ja.md");
  for (const s of [undefined, "", "issue", "issue/", "/x", "javascript:alert(1)/x", "session/01J"])
    expect(subjectHref(s)).toBeUndefined();
});
