// The difference of two texts, line by line.

export interface DiffLine {
  kind: "same" | "out" | "in";
  text: string;
}

/** diff says how a becomes b by the fewest lines taken out and put in (Myers would say the same). */
export function diff(a: string, b: string): DiffLine[] {
  const x = a.split("\n");
  const y = b.split("\n");
  let head = 0;
  while (head < x.length && head < y.length && x[head] === y[head]) head++;
  let tail = 0;
  while (tail < x.length - head && tail < y.length - head && x[x.length - 1 - tail] === y[y.length - 1 - tail]) tail++;
  const xs = x.slice(head, x.length - tail);
  const ys = y.slice(head, y.length - tail);
  const same = (l: string[]): DiffLine[] => l.map((text) => ({ kind: "same", text }));
  const mid: DiffLine[] = [];
  // Beyond this a table of lengths is too large; then the middle as a whole is replaced.
  if (xs.length * ys.length > 4_000_000) {
    mid.push(
      ...xs.map((text): DiffLine => ({ kind: "out", text })),
      ...ys.map((text): DiffLine => ({ kind: "in", text })),
    );
  } else {
    const w = ys.length + 1;
    const len = new Uint32Array((xs.length + 1) * w);
    for (let i = xs.length - 1; i >= 0; i--)
      for (let j = ys.length - 1; j >= 0; j--)
        len[i * w + j] =
          xs[i] === ys[j] ? len[(i + 1) * w + j + 1]! + 1 : Math.max(len[(i + 1) * w + j]!, len[i * w + j + 1]!);
    let i = 0;
    let j = 0;
    while (i < xs.length || j < ys.length) {
      if (i < xs.length && j < ys.length && xs[i] === ys[j]) mid.push({ kind: "same", text: xs[i++]! }), j++;
      else if (i < xs.length && (j >= ys.length || len[(i + 1) * w + j]! >= len[i * w + j + 1]!))
        mid.push({ kind: "out", text: xs[i++]! });
      else mid.push({ kind: "in", text: ys[j++]! });
    }
  }
  return [...same(x.slice(0, head)), ...mid, ...same(x.slice(x.length - tail, x.length))];
}

/** hunks leaves out what is the same and far from any change. null stands for what was left out. */
export function hunks(lines: DiffLine[], around = 3): (DiffLine | null)[] {
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - around), i + around + 1).some((l) => l.kind !== "same"));
  const out: (DiffLine | null)[] = [];
  lines.forEach((l, i) => {
    if (near[i]) out.push(l);
    else if (out.length === 0 || out.at(-1) !== null) out.push(null);
  });
  return out;
}
