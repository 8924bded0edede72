import { describe, expect, it } from "vitest";
import { arnType, huntFor, issuesOf, pieces } from "./entities";

const named = (text: string, key?: string, known?: { type: string; id: string }[]) =>
  pieces(text, key, known)
    .filter((p) => p.named)
    .map((p) => `${p.named!.type ?? "hash"}=${p.named!.id}`);

describe("whom and what a value names", () => {
  it("knows them by their form", () => {
    for (const [text, want] of [
      ["198.51.100.7", "ip=198.51.100.7"],
      ["198.51.100.7:443", "ip=198.51.100.7"],
      ["2001:db8::7", "ip=2001:db8::7"],
      ["arn:aws:iam::111122223333:user/bob", "user=arn:aws:iam::111122223333:user/bob"],
      ["arn:aws:sts::111122223333:assumed-role/a/b", "session=arn:aws:sts::111122223333:assumed-role/a/b"],
      ["arn:aws-cn:s3:::bucket/key.txt", "resource=arn:aws-cn:s3:::bucket/key.txt"],
      ["AKIAIOSFODNN7EXAMPLE", "key=AKIAIOSFODNN7EXAMPLE"],
      ["mary.smith+ops@corp.example", "user=mary.smith+ops@corp.example"],
      ["d41d8cd98f00b204e9800998ecf8427e", "hash=d41d8cd98f00b204e9800998ecf8427e"],
    ])
      expect(named(text!), text).toEqual([want]);
  });
  it("does not take for one what only looks like it", () => {
    for (const text of [
      "1.2.3",
      "1.2.3.400",
      "1.2.3.4.5",
      "v1.2.3.4-beta",
      "12:34:56",
      "00:1b:44:11:3a:b7",
      "2026-03-02T09:00:00Z",
      "::",
      "::ffff:1.2.3.4.5",
      "arn:aws:iam",
      "12345678901234567890123456789012",
      "0b5a1b7e-2c1f-4d39-9f0e-6a1d2c3b4e5f",
      "compute.instances.insert",
      "a@b",
      "",
    ])
      expect(named(text), text).toEqual([]);
  });
  it("takes an id of hexadecimal digits for no hash", () => {
    expect(named("12abc34d567e8fa901bc2d34e56789f0", "detectorId")).toEqual([]);
    expect(named("12abc34d567e8fa901bc2d34e56789f0", "md5")).toEqual(["hash=12abc34d567e8fa901bc2d34e56789f0"]);
  });
  it("knows by the key what the form does not say", () => {
    expect(named("evil.example", "domain")).toEqual(["domain=evil.example"]);
    expect(named("evil.example", "eventSource")).toEqual([]);
    expect(named("111122223333", "accountId")).toEqual(["account=111122223333"]);
    expect(named("111122223333", "size")).toEqual([]);
  });
  it("knows what the finding is about by its id and by its name", () => {
    const known = [
      { type: "host", id: "i-0dead0beef0000001" },
      { type: "user", id: "arn:aws:iam::111122223333:user/bob" },
    ];
    expect(named("i-0dead0beef0000001", "instanceId", known)).toEqual(["host=i-0dead0beef0000001"]);
    expect(named("bob", "userName", known)).toEqual(["user=arn:aws:iam::111122223333:user/bob"]);
    expect(named("bob", "comment", known)).toEqual([]);
  });
  it("finds them inside a text, and loses nothing of it", () => {
    const text =
      "EC2 instance i-0dead0beef0000001 is talking to 198.51.100.7. Key: AKIAIOSFODNN7EXAMPLE (arn:aws:s3:::b).";
    const all = pieces(text, "description", [{ type: "host", id: "i-0dead0beef0000001" }]);
    expect(all.map((p) => p.text).join("")).toBe(text);
    expect(all.filter((p) => p.named).map((p) => p.named!.type)).toEqual(["host", "ip", "key", "resource"]);
    expect(all.filter((p) => p.named).at(-1)!.text).toBe("arn:aws:s3:::b");
  });
  it("reads the longest text in no time", () => {
    for (const text of [
      "1.".repeat(10_000),
      ":".repeat(20_000),
      "a@".repeat(10_000),
      "arn:aws:".repeat(2500),
      "f".repeat(20_000),
    ]) {
      const began = performance.now();
      expect(
        pieces(text)
          .map((p) => p.text)
          .join(""),
      ).toBe(text);
      expect(performance.now() - began, text.slice(0, 10)).toBeLessThan(500);
    }
  });
});

it("goes on in words that the lists and the lake take", () => {
  expect(arnType("arn:aws:ec2:eu-west-1:1:instance/i-1")).toBe("host");
  expect(issuesOf({ type: "ip", id: "2001:db8::7" })).toBe("entity:ip=2001:db8::7");
  expect(issuesOf({ id: "d41d8" })).toBe('"d41d8"');
  expect(huntFor("ip", "198.51.100.7")).toBe('events\n| where src_ip == "198.51.100.7" or raw has "198.51.100.7"');
  expect(huntFor(undefined, 'a"b')).toBe('events\n| where raw has "a\\"b"');
});
