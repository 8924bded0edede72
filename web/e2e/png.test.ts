import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decode, palette, small } from "./png.mjs";

/** png writes RGB or RGBA rows with the filters that are asked for, as a browser does. */
function png(width: number, rows: number[][], size: 3 | 4, filters: number[]): Buffer {
  const line = width * size;
  const raw: number[] = [];
  rows.forEach((row, y) => {
    const up = rows[y - 1] ?? new Array(line).fill(0);
    const f = filters[y % filters.length]!;
    raw.push(f);
    row.forEach((v, i) => {
      const a = i >= size ? row[i - size]! : 0;
      const b = up[i]!;
      const c = i >= size ? up[i - size]! : 0;
      const p = a + b - c;
      const near = [a, b, c].reduce((best, x) => (Math.abs(p - x) < Math.abs(p - best) ? x : best), a);
      raw.push((v - [0, a, b, (a + b) >> 1, near][f]!) & 255);
    });
  });
  const chunk = (type: string, body: Buffer) => {
    const n = Buffer.alloc(4);
    n.writeUInt32BE(body.length);
    return Buffer.concat([n, Buffer.from(type, "latin1"), body, Buffer.alloc(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(rows.length, 4);
  head.set([8, size === 3 ? 2 : 6, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(Buffer.from(raw))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const noise = (n: number) => Array.from({ length: n }, (_, i) => (i * 7919 + (i >> 3) * 104_729) & 255);

describe("screens with a palette", () => {
  it.each([3, 4] as const)("reads all filters of rows of %i channels", (size) => {
    const rows = Array.from({ length: 10 }, (_, y) => noise(12 * size + y).slice(y));
    const got = decode(png(12, rows, size, [0, 1, 2, 3, 4]));
    const want = rows.flatMap((r) => r.filter((_, i) => size === 3 || i % 4 !== 3));
    expect([...got.rgb]).toEqual(want);
  });
  it("reads back what it wrote: a picture of few colours exactly", () => {
    const rows = Array.from({ length: 20 }, (_, y) => Array.from({ length: 30 }, (_, x) => [x & 7, y & 7, 200]).flat());
    const before = png(30, rows, 3, [4]);
    const after = small(before);
    expect(after[25]).toBe(3); // colours by index
    expect(decode(after)).toEqual(decode(before));
    expect(decode(after).rgb.subarray(31 * 3, 32 * 3)).toEqual(Buffer.from([1, 1, 200]));
  });
  it("keeps the ground as it is, and no colour moves far", () => {
    const counts = new Map<number, number>([[0x0d0f13, 1_000_000]]);
    for (let i = 0; i < 4000; i++) counts.set((noise(4000)[i]! << 16) | ((i & 255) << 8) | (i >> 4), 1 + (i % 9));
    const { colours, index } = palette(counts, 256);
    expect(colours.length).toBe(256);
    expect(colours[index.get(0x0d0f13)!]).toBe(0x0d0f13);
    const moved = [...counts.keys()].flatMap((c) =>
      [0, 8, 16].map((shift) => Math.abs(((c >> shift) & 255) - ((colours[index.get(c)!]! >> shift) & 255))),
    );
    expect(Math.max(...moved)).toBeLessThan(80);
  });
});
