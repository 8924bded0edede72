// Places of the API are bytes of UTF-8, those of the browser units of UTF-16.

/** toBytes is the byte at a place of a string. */
export function toBytes(s: string, at: number): number {
  return new TextEncoder().encode(s.slice(0, at)).length;
}

/** fromBytes is the place in a string of a byte. */
export function fromBytes(s: string, byte: number): number {
  let n = 0;
  let i = 0;
  for (const c of s) {
    if (n >= byte) break;
    const p = c.codePointAt(0)!;
    n += p < 0x80 ? 1 : p < 0x800 ? 2 : p < 0x10000 ? 3 : 4;
    i += c.length;
  }
  return i;
}
