// QR codes (ISO/IEC 18004): bytes, error correction M, versions 1 to 20. That is more than the
// address of a second factor ever needs (an otpauth: URI has 100 to 250 bytes).

/** The error correction codewords of a block and the blocks, by version, at level M. */
const ecc = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const blocks = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];

const last = ecc.length - 1;

// The modules of a version that are no patterns: bits of data and error correction.
function rawBits(v: number): number {
  let n = (16 * v + 128) * v + 64;
  if (v >= 2) {
    const a = Math.floor(v / 7) + 2;
    n -= (25 * a - 10) * a - 55;
    if (v >= 7) n -= 36;
  }
  return n;
}

function capacity(v: number): number {
  return Math.floor(rawBits(v) / 8) - ecc[v]! * blocks[v]!;
}

// The field GF(256) of x⁸ + x⁴ + x³ + x² + 1.
function times(a: number, b: number): number {
  let z = 0;
  for (let i = 7; i >= 0; i--) {
    z = (z << 1) ^ ((z >>> 7) * 0x11d);
    z ^= ((b >>> i) & 1) * a;
  }
  return z & 0xff;
}

function generator(degree: number): number[] {
  const g = Array<number>(degree).fill(0);
  g[degree - 1] = 1;
  let root = 1;
  for (let i = 0; i < degree; i++) {
    for (let j = 0; j < degree; j++) g[j] = times(g[j]!, root) ^ (g[j + 1] ?? 0);
    root = times(root, 2);
  }
  return g;
}

function remainder(data: number[], g: number[]): number[] {
  const r = Array<number>(g.length).fill(0);
  for (const b of data) {
    const f = b ^ r.shift()!;
    r.push(0);
    for (let i = 0; i < g.length; i++) r[i] = r[i]! ^ times(g[i]!, f);
  }
  return r;
}

function codewords(data: Uint8Array, v: number): number[] {
  const bits: number[] = [];
  const put = (n: number, len: number) => {
    for (let i = len - 1; i >= 0; i--) bits.push((n >>> i) & 1);
  };
  put(4, 4); // bytes
  put(data.length, v < 10 ? 8 : 16);
  for (const b of data) put(b, 8);
  const room = capacity(v) * 8;
  put(0, Math.min(4, room - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11) put(pad, 8);
  const words: number[] = [];
  for (let i = 0; i < bits.length; i += 8) words.push(bits.slice(i, i + 8).reduce((n, b) => (n << 1) | b, 0));

  // The blocks: the shorter ones first. They are sent a byte of each in turn.
  const n = blocks[v]!;
  const all = Math.floor(rawBits(v) / 8);
  const short = n - (all % n);
  const shortLen = Math.floor(all / n) - ecc[v]!;
  const g = generator(ecc[v]!);
  const parts: { data: number[]; check: number[] }[] = [];
  for (let i = 0, at = 0; i < n; i++) {
    const d = words.slice(at, (at += shortLen + (i < short ? 0 : 1)));
    parts.push({ data: d, check: remainder(d, g) });
  }
  const out: number[] = [];
  for (let i = 0; i <= shortLen; i++) for (const p of parts) if (i < p.data.length) out.push(p.data[i]!);
  for (let i = 0; i < ecc[v]!; i++) for (const p of parts) out.push(p.check[i]!);
  return out;
}

const masks: ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** qr encodes a text; true is dark. A text beyond version 20 (666 bytes) is refused. */
export function qr(text: string): boolean[][] {
  const data = new TextEncoder().encode(text);
  let v = 1;
  while (v <= last && data.length + (v < 10 ? 2 : 3) > capacity(v)) v++;
  if (v > last) throw new RangeError("the text is too long for a QR code");
  const size = v * 4 + 17;
  const dark = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  const fixed = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  const set = (x: number, y: number, on: boolean) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    dark[y]![x] = on;
    fixed[y]![x] = true;
  };

  // Timing, then the three finders with their margins, which cover its ends.
  for (let i = 0; i < size; i++) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  for (const [cx, cy] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ] as const)
    for (let dy = -4; dy <= 4; dy++)
      for (let dx = -4; dx <= 4; dx++) {
        const d = Math.max(Math.abs(dx), Math.abs(dy));
        set(cx + dx, cy + dy, d !== 2 && d !== 4);
      }
  const at = alignments(v, size);
  at.forEach((x, i) =>
    at.forEach((y, j) => {
      const e = at.length - 1;
      if ((i === 0 && j === 0) || (i === 0 && j === e) || (i === e && j === 0)) return; // finders
      for (let dy = -2; dy <= 2; dy++)
        for (let dx = -2; dx <= 2; dx++) set(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
    }),
  );
  if (v >= 7) {
    let r = v;
    for (let i = 0; i < 12; i++) r = (r << 1) ^ ((r >>> 11) * 0x1f25);
    const bits = (v << 12) | r;
    for (let i = 0; i < 18; i++) {
      const on = ((bits >>> i) & 1) === 1;
      const a = size - 11 + (i % 3);
      const b = Math.floor(i / 3);
      set(a, b, on);
      set(b, a, on);
    }
  }
  const format = (mask: number) => {
    let r = mask; // level M is 00
    for (let i = 0; i < 10; i++) r = (r << 1) ^ ((r >>> 9) * 0x537);
    const bits = ((mask << 10) | r) ^ 0x5412;
    const bit = (i: number) => ((bits >>> i) & 1) === 1;
    for (let i = 0; i <= 5; i++) set(8, i, bit(i));
    set(8, 7, bit(6));
    set(8, 8, bit(7));
    set(7, 8, bit(8));
    for (let i = 9; i < 15; i++) set(14 - i, 8, bit(i));
    for (let i = 0; i < 8; i++) set(size - 1 - i, 8, bit(i));
    for (let i = 8; i < 15; i++) set(8, size - 15 + i, bit(i));
    set(8, size - 8, true);
  };
  format(0); // its place is taken before the data is laid

  const words = codewords(data, v);
  let i = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let k = 0; k < size; k++)
      for (let j = 0; j < 2; j++) {
        const x = right - j;
        const y = ((right + 1) & 2) === 0 ? size - 1 - k : k;
        if (!fixed[y]![x] && i < words.length * 8) {
          dark[y]![x] = ((words[i >>> 3]! >>> (7 - (i & 7))) & 1) === 1;
          i++;
        }
      }
  }

  const turn = (mask: number) => {
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) if (!fixed[y]![x] && masks[mask]!(x, y)) dark[y]![x] = !dark[y]![x];
  };
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let m = 0; m < 8; m++) {
    turn(m);
    format(m);
    const p = penalty(dark);
    if (p < least) [best, least] = [m, p];
    turn(m);
  }
  turn(best);
  format(best);
  return dark;
}

function alignments(v: number, size: number): number[] {
  if (v === 1) return [];
  const n = Math.floor(v / 7) + 2;
  const step = Math.ceil((v * 4 + 4) / (n * 2 - 2)) * 2;
  const out = [6];
  for (let at = size - 7; out.length < n; at -= step) out.splice(1, 0, at);
  return out;
}

// How hard a camera would find it: long runs, blocks, what looks like a finder, too much of one
// colour.
function penalty(d: boolean[][]): number {
  const size = d.length;
  let p = 0;
  let on = 0;
  for (let a = 0; a < size; a++)
    for (const at of [(b: number) => d[a]![b]!, (b: number) => d[b]![a]!]) {
      let run = 1;
      let seen = at(0) ? 1 : 0;
      for (let b = 1; b <= size; b++) {
        if (b < size && at(b) === at(b - 1)) run++;
        else {
          if (run >= 5) p += run - 2;
          run = 1;
        }
        if (b < size) {
          seen = ((seen << 1) | (at(b) ? 1 : 0)) & 0x7ff;
          if (b >= 10 && (seen === 0x05d || seen === 0x5d0)) p += 40;
        }
      }
    }
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      if (d[y]![x]) on++;
      if (
        x + 1 < size &&
        y + 1 < size &&
        d[y]![x] === d[y]![x + 1] &&
        d[y]![x] === d[y + 1]![x] &&
        d[y]![x] === d[y + 1]![x + 1]
      )
        p += 3;
    }
  return p + Math.floor(Math.abs(on * 20 - size * size * 10) / (size * size)) * 10;
}

/** path draws the dark modules for an SVG whose units are modules. */
export function path(d: boolean[][]): string {
  let out = "";
  d.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue;
      let n = 1;
      while (row[x + n]) n++;
      out += `M${x} ${y}h${n}v1h-${n}z`;
      x += n;
    }
  });
  return out;
}
