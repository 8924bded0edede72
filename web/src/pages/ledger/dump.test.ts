import { expect, test } from "vitest";
import { asText, dump, fromBase64, looksBinary } from "./dump";

const utf8 = (s: string) => new TextEncoder().encode(s);

test("dump writes as hexdump -C", () => {
  const b = utf8('{"a":1}\n櫓 long');
  expect(dump(b, 1e6)).toEqual([
    { at: "00000000", hex: "7b 22 61 22 3a 31 7d 0a  e6 ab 93 20 6c 6f 6e 67", text: '{"a":1}.... long' },
  ]);
  // A short line keeps its columns.
  expect(dump(utf8("abc"), 1e6)[0]!.hex).toBe(`${"61 62 63".padEnd(23)}  `);
  expect(dump(new Uint8Array(1000), 64)).toHaveLength(4);
  expect(dump(new Uint8Array(0), 64)).toEqual([]);
});

test("base64", () => {
  expect([...fromBase64("AP/+gA==")]).toEqual([0, 255, 254, 128]);
});

test("text: broken bytes are counted, a replacement character that was sent is not", () => {
  expect(asText(utf8("a\ufffdb")).bad).toBe(0);
  expect(asText(new Uint8Array([0x61, 0xff, 0xfe, 0x62])).bad).toBe(2);
  expect(asText(utf8("\ufeffx")).text).toBe("\ufeffx"); // the byte order mark is seen
});

test("looksBinary", () => {
  expect(looksBinary(utf8('{"日本": "語"}\r\n\t'))).toBe(false);
  expect(looksBinary(new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]))).toBe(true);
  expect(looksBinary(utf8(`${"x".repeat(500)}\u0000`))).toBe(false);
  expect(looksBinary(new Uint8Array(0))).toBe(false);
});
