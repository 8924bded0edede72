// Makes the screens of the README small: a screen has few colours, and a PNG with a palette of
// 256 is a third of one without.
import { deflateSync, inflateSync } from "node:zlib";

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

const table = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc32(bytes) {
  let c = 0xffffffff;
  for (const b of bytes) c = table[(c ^ b) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** decode reads a PNG of 8 bits (RGB, RGBA or by palette), not interlaced: width, height and RGB. */
export function decode(png) {
  if (!png.subarray(0, 8).equals(signature)) throw new Error("not a PNG");
  let head;
  let colours;
  const data = [];
  for (let at = 8; at < png.length; ) {
    const n = png.readUInt32BE(at);
    const type = png.toString("latin1", at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + n);
    if (type === "IHDR") head = body;
    if (type === "PLTE") colours = body;
    if (type === "IDAT") data.push(body);
    at += 12 + n;
  }
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const size = { 2: 3, 3: 1, 6: 4 }[head[9]];
  if (head[8] !== 8 || !size || head[12] !== 0)
    throw new Error(`a PNG of ${head[8]} bits, colour type ${head[9]}, interlace ${head[12]}`);
  const raw = inflateSync(Buffer.concat(data));
  const line = width * size;
  const rgb = Buffer.alloc(width * height * 3);
  let above = Buffer.alloc(line);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (line + 1)];
    const row = raw.subarray(y * (line + 1) + 1, (y + 1) * (line + 1));
    for (let i = 0; i < line; i++) {
      const left = i >= size ? row[i - size] : 0;
      const up = above[i];
      const corner = i >= size ? above[i - size] : 0;
      if (filter === 1) row[i] += left;
      else if (filter === 2) row[i] += up;
      else if (filter === 3) row[i] += (left + up) >> 1;
      else if (filter === 4) {
        const p = left + up - corner;
        const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
        row[i] += a <= b && a <= c ? left : b <= c ? up : corner;
      }
    }
    for (let x = 0; x < width; x++) {
      const [from, i] = size === 1 ? [colours, row[x] * 3] : [row, x * size];
      from.copy(rgb, (y * width + x) * 3, i, i + 3);
    }
    above = row;
  }
  return { width, height, rgb };
}

/** palette chooses at most n colours for those that are counted, and says which stands for which. */
export function palette(counts, n) {
  let boxes = [[...counts].map(([c, k]) => ({ c, k, v: [c >> 16, (c >> 8) & 255, c & 255] }))];
  const worth = (box) => {
    if (box.length < 2) return { cost: 0 };
    let best = { cost: 0, axis: 0 };
    const k = box.reduce((s, p) => s + p.k, 0);
    for (let axis = 0; axis < 3; axis++) {
      const mean = box.reduce((s, p) => s + p.k * p.v[axis], 0) / k;
      const cost = box.reduce((s, p) => s + p.k * (p.v[axis] - mean) ** 2, 0);
      if (cost > best.cost) best = { cost, axis, mean };
    }
    return best;
  };
  let costs = boxes.map(worth);
  while (boxes.length < n) {
    const i = costs.reduce((b, c, j) => (c.cost > costs[b].cost ? j : b), 0);
    const { cost, axis, mean } = costs[i];
    if (cost === 0) break;
    const halves = [boxes[i].filter((p) => p.v[axis] <= mean), boxes[i].filter((p) => p.v[axis] > mean)];
    boxes = [...boxes.slice(0, i), ...halves, ...boxes.slice(i + 1)];
    costs = [...costs.slice(0, i), ...halves.map(worth), ...costs.slice(i + 1)];
  }
  // The commonest colour of a box stands for it: plain grounds stay exactly as they are.
  const index = new Map();
  const colours = boxes.map((box, i) => {
    for (const p of box) index.set(p.c, i);
    return box.reduce((b, p) => (p.k > b.k ? p : b)).c;
  });
  return { colours, index };
}

function chunk(type, body) {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, "latin1");
  body.copy(out, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}

/** small is the same picture with a palette of at most 256 colours. */
export function small(png) {
  const { width, height, rgb } = decode(png);
  const counts = new Map();
  for (let i = 0; i < rgb.length; i += 3) {
    const c = (rgb[i] << 16) | (rgb[i + 1] << 8) | rgb[i + 2];
    counts.set(c, (counts.get(c) ?? 0) + 1);
  }
  const { colours, index } = palette(counts, 256);
  const raw = Buffer.alloc((width + 1) * height);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i += 3)
      raw[y * (width + 1) + 1 + x] = index.get((rgb[i] << 16) | (rgb[i + 1] << 8) | rgb[i + 2]);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    signature,
    chunk("IHDR", head),
    chunk("PLTE", Buffer.from(colours.flatMap((c) => [c >> 16, (c >> 8) & 255, c & 255]))),
    chunk("IDAT", deflateSync(raw, { level: 9, memLevel: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
