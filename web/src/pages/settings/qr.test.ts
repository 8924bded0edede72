import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { path, qr } from "./qr";

const sum = (m: boolean[][]) =>
  createHash("sha256")
    .update(m.map((r) => r.map((d) => (d ? 1 : 0)).join("")).join("\n"))
    .digest("hex");

// The sums are of codes that another implementation (jsQR) read back to the same text.
test("codes are those that a camera read", () => {
  const uri =
    "otpauth://totp/Yagura:mary%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Yagura&algorithm=SHA1&digits=6&period=30";
  expect(sum(qr("yagura"))).toBe("06a93475b050f67ae06bb495ba3a9a7a5a96a3d1138194d476b54a10a3c6fcd8");
  expect(sum(qr("櫓"))).toBe("8e68511385041855127728bff70ee68e588ebd42a54cbf966b824e0aba4bb8a8");
  expect(sum(qr(uri))).toBe("9864339ccc0e57bc24e275388e5379eaf4f46007f074736651c668b3ebcc66f0");
});

test("the smallest version that holds the text is taken", () => {
  const size = (n: number) => qr("x".repeat(n)).length;
  expect([14, 15, 26, 27, 180, 181, 213, 214].map(size)).toEqual([21, 25, 25, 29, 53, 57, 57, 61]);
  expect(size(666)).toBe(97);
  expect(() => qr("x".repeat(667))).toThrow(RangeError);
});

test("path draws runs", () => {
  expect(
    path([
      [true, true, false],
      [false, false, true],
    ]),
  ).toBe("M0 0h2v1h-2zM2 1h1v1h-1z");
});
