// Bytes that could not be read as what they should be, for people: as text where they are text,
// and as the columns that hexdump -C prints.

/** fromBase64 reads what Go writes for bytes. */
export function fromBase64(s: string): Uint8Array {
  const bin = atob(s);
  const out = new Uint8Array(bin.length);
  for (let i = 0; i < bin.length; i++) out[i] = bin.charCodeAt(i);
  return out;
}

export interface DumpLine {
  at: string;
  hex: string;
  text: string;
}

/** dump writes bytes in lines of sixteen. What no terminal shows is a point. */
export function dump(b: Uint8Array, most: number): DumpLine[] {
  const out: DumpLine[] = [];
  for (let i = 0; i < Math.min(b.length, most); i += 16) {
    const row = b.subarray(i, Math.min(i + 16, b.length));
    const hex = [...row].map((x) => x.toString(16).padStart(2, "0"));
    out.push({
      at: i.toString(16).padStart(8, "0"),
      hex: `${hex.slice(0, 8).join(" ").padEnd(23)}  ${hex.slice(8).join(" ")}`,
      text: [...row].map((x) => (x >= 0x20 && x < 0x7f ? String.fromCharCode(x) : ".")).join(""),
    });
  }
  return out;
}

/** asText reads bytes as UTF-8; bad says how many of its characters were none. */
export function asText(b: Uint8Array): { text: string; bad: number } {
  const text = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(b);
  // A replacement character that was sent as one is three bytes and no fault.
  let sent = 0;
  for (let i = 0; i + 2 < b.length; i++) if (b[i] === 0xef && b[i + 1] === 0xbf && b[i + 2] === 0xbd) sent++;
  let shown = 0;
  for (const c of text) if (c === "\ufffd") shown++;
  return { text, bad: Math.max(0, shown - sent) };
}

/** looksBinary says whether bytes are better seen as such. */
export function looksBinary(b: Uint8Array): boolean {
  const head = b.subarray(0, 4096);
  if (head.length === 0) return false;
  let odd = 0;
  for (const x of head) if (x < 0x09 || (x > 0x0d && x < 0x20) || x === 0x7f) odd++;
  return odd / head.length > 0.05 || asText(head).bad > head.length / 20;
}
