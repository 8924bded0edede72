// What the query bar does without a server: colour. The grammar itself is the server's; this
// only cuts a text where the eye wants it.

export interface Token {
  text: string;
  kind: "field" | "op" | "value" | "not" | "text" | "space";
}

/** tokens cuts a query into coloured pieces; together they are the query. */
export function tokens(q: string): Token[] {
  const out: Token[] = [];
  const re = /(\s+)|(-)?(?:([A-Za-z_][\w.]*)(:)(>=|<=|>|<)?)?("(?:[^"\\]|\\.)*"?|[^\s"]+)?/gy;
  let at = 0;
  while (at < q.length) {
    re.lastIndex = at;
    const m = re.exec(q);
    if (!m || m[0] === "") {
      out.push({ text: q[at]!, kind: "text" });
      at++;
      continue;
    }
    at += m[0].length;
    if (m[1]) {
      out.push({ text: m[1], kind: "space" });
      continue;
    }
    if (m[2]) out.push({ text: m[2], kind: "not" });
    if (m[3]) out.push({ text: m[3] + m[4], kind: "field" });
    if (m[5]) out.push({ text: m[5], kind: "op" });
    if (m[6]) {
      out.push({ text: m[6], kind: m[3] ? "value" : "text" });
      // Several values with commas, some of them quoted, belong together.
      const rest = /(?:,(?:"(?:[^"\\]|\\.)*"?|[^\s"]+))+/y;
      rest.lastIndex = at;
      const more = rest.exec(q);
      if (more) {
        out[out.length - 1]!.text += more[0];
        at += more[0].length;
      }
    }
  }
  return out;
}

/** apply puts a suggestion in place of a piece of the query, and says where the cursor goes. */
export function apply(q: string, from: number, to: number, text: string): { q: string; at: number } {
  return { q: q.slice(0, from) + text + q.slice(to), at: from + text.length };
}
