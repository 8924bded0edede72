import { describe, expect, it } from "vitest";
import { keyOf } from "../setup/Page";
import { nextOf } from "./Page";

describe("sign-in", () => {
  it("leads on inside of the console and nowhere else", () => {
    expect(nextOf("/issues?q=a")).toBe("/issues?q=a");
    for (const bad of [
      undefined,
      "",
      "https://evil.example",
      "//evil.example",
      "/\\evil.example",
      "/\t/evil.example",
      "/\n/evil.example",
      "/issues\\..\\..",
      "javascript:alert(1)",
      "issues",
      "/sign-in?next=/sign-in",
    ])
      expect(nextOf(bad)).toBe("/");
  });
  it("finds the key of the set-up link", () => {
    expect(keyOf("#key=abc", "")).toBe("abc");
    expect(keyOf("#abc", "")).toBe("abc");
    expect(keyOf("", "?key=abc")).toBe("abc");
    expect(keyOf("", "")).toBe("");
  });
});
