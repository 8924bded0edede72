import { describe, expect, it } from "vitest";
import { asCurl, asJq, asKQL, entityTerm, hasTerm, kqlString, shellString, term, withTerm } from "./pivot";

describe("pivot", () => {
  it("quotes for the grammar of lists where it must", () => {
    expect(term("account", "1234")).toBe("account:1234");
    expect(term("rule", 'a "b"')).toBe('rule:"a \\"b\\""');
    expect(term("label", "x", true)).toBe("-label:x");
    for (const v of ["a,b", "-a", "a*", "a b", "(", ""]) expect(term("f", v)).toMatch(/^f:".*"$/);
  });
  it("quotes the id of an entity and not its type, so that the type is read as one", () => {
    expect(entityTerm("user", "Mary Smith")).toBe('entity:user="Mary Smith"');
    expect(entityTerm("ip", "2001:db8::7")).toBe("entity:ip=2001:db8::7");
    expect(entityTerm("ip", "::1")).toBe('entity:ip="::1"');
  });
  it("adds a term, and takes it out again", () => {
    const q = withTerm("status:open", "account:1");
    expect(q).toBe("status:open account:1");
    expect(hasTerm(q, "account:1")).toBe(true);
    expect(hasTerm(q, "account:")).toBe(false);
    expect(withTerm(q, "status:open")).toBe("account:1");
  });
  it("writes texts of others so that no tool takes them for more", () => {
    expect(kqlString('a"\n| where 1 == 1')).toBe('"a\\"\\n| where 1 == 1"');
    expect(shellString("a'; rm -rf /; '")).toBe(`'a'\\''; rm -rf /; '\\'''`);
    expect(asCurl("/issues?q=a'b")).toContain(`'http://localhost:3000/api/v1/issues?q=a'\\''b'`);
    expect(asKQL({ format: 'x"', id: "e" })).toContain('format == "x\\""');
    expect(asJq({ format: "x", id: `a'"` })).toBe(`yagura decode FILE | jq 'select(.id == "a'\\''\\"")'`);
  });
});
