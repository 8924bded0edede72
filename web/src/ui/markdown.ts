// Markdown as data. There is no HTML in it at any point: a text becomes nodes, nodes become
// React elements, and an address that is not http, https, mailto or of this console is no link.

export type Inline =
  | { kind: "text" | "code"; text: string }
  | { kind: "strong" | "em" | "del"; children: Inline[] }
  | { kind: "link"; href: string; children: Inline[] };

export type Block =
  | { kind: "heading"; level: number; children: Inline[] }
  | { kind: "paragraph"; children: Inline[] }
  | { kind: "code"; lang: string; text: string }
  | { kind: "quote"; children: Block[] }
  | { kind: "list"; ordered: boolean; start: number; items: { task?: boolean; children: Block[] }[] }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" };

/** safeHref is an address that a link may have, or undefined. */
export function safeHref(href: string): string | undefined {
  const h = href.trim();
  if (/^(https?:\/\/|mailto:)/i.test(h)) {
    try {
      return new URL(h).href;
    } catch {
      return undefined;
    }
  }
  if (/^\/(?![/\\])/.test(h) || /^#/.test(h) || /^\.{0,2}\/?[\w-][\w./-]*(#[\w-]*)?$/.test(h)) return h;
  return undefined;
}

const depthMax = 12;

/** inline reads the inside of a line. */
export function inline(s: string, depth = 0): Inline[] {
  const out: Inline[] = [];
  let plain = "";
  const flush = () => {
    if (plain) out.push({ kind: "text", text: plain });
    plain = "";
  };
  const push = (n: Inline) => {
    flush();
    out.push(n);
  };
  for (let i = 0; i < s.length; ) {
    const rest = s.slice(i, i + 4000);
    let m: RegExpExecArray | null;
    if ((m = /^\\([\\`*_{}[\]()#+\-.!|~>])/.exec(rest))) plain += m[1];
    else if ((m = /^(`+)([^`](?:.*?[^`])?)\1(?!`)/.exec(rest)))
      push({ kind: "code", text: m[2]!.replace(/^ (.+) $/, "$1") });
    else if (
      depth < depthMax &&
      (m = /^\[((?:[^[\]\\]|\\.)*)\]\(\s*<?([^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)>?(?:\s+"[^"]*")?\s*\)/.exec(rest))
    ) {
      const href = safeHref(m[2]!);
      if (href) push({ kind: "link", href, children: inline(m[1]!, depth + 1) });
      else plain += m[0];
    } else if (depth < depthMax && (m = /^(\*\*|__)(?=\S)(.+?\S|\S)\1(?!\*)/.exec(rest)))
      push({ kind: "strong", children: inline(m[2]!, depth + 1) });
    else if (depth < depthMax && (m = /^~~(?=\S)(.+?)~~/.exec(rest)))
      push({ kind: "del", children: inline(m[1]!, depth + 1) });
    else if (depth < depthMax && (m = /^\*(?=[^\s*])(.*?[^\s*])\*(?!\*)/.exec(rest)))
      push({ kind: "em", children: inline(m[1]!, depth + 1) });
    else if (depth < depthMax && !/\w$/.test(plain) && (m = /^_(?=[^\s_])(.*?[^\s_])_(?!\w)/.exec(rest)))
      push({ kind: "em", children: inline(m[1]!, depth + 1) });
    else if ((m = /^<?(https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]。、」）])>?/i.exec(rest)) && safeHref(m[1]!))
      push({ kind: "link", href: safeHref(m[1]!)!, children: [{ kind: "text", text: m[1]! }] });
    if (m) i += m[0].length;
    else plain += s[i++];
  }
  flush();
  return out;
}

const item = /^(\s*)([-*+]|\d{1,9}[.)])(?:\s+|$)/;

/** blocks reads a text. */
export function blocks(text: string, depth = 0): Block[] {
  return read(text.replace(/\r\n?/g, "\n").split("\n"), depth);
}

function cells(row: string): Inline[][] {
  return row
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((c) => inline(c.trim().replace(/\\\|/g, "|")));
}

function read(ls: string[], depth: number): Block[] {
  const out: Block[] = [];
  for (let i = 0; i < ls.length; ) {
    const l = ls[i]!;
    let m: RegExpExecArray | null;
    if (l.trim() === "") {
      i++;
    } else if ((m = /^\s{0,3}(```+|~~~+)\s*([\w+-]*)/.exec(l))) {
      const body: string[] = [];
      for (i++; i < ls.length && !ls[i]!.trim().startsWith(m[1]!); i++) body.push(ls[i]!);
      i++;
      out.push({ kind: "code", lang: m[2]!, text: body.join("\n") });
    } else if ((m = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(l))) {
      out.push({ kind: "heading", level: m[1]!.length, children: inline(m[2]!) });
      i++;
    } else if (/^\s{0,3}([-*_])(\s*\1){2,}\s*$/.test(l)) {
      out.push({ kind: "rule" });
      i++;
    } else if (/^\s{0,3}>/.test(l) && depth < depthMax) {
      const body: string[] = [];
      for (; i < ls.length && /^\s{0,3}>/.test(ls[i]!); i++) body.push(ls[i]!.replace(/^\s{0,3}>\s?/, ""));
      out.push({ kind: "quote", children: read(body, depth + 1) });
    } else if ((m = item.exec(l)) && depth < depthMax) {
      const ordered = /\d/.test(m[2]!);
      const list: Extract<Block, { kind: "list" }> = {
        kind: "list",
        ordered,
        start: ordered ? Number.parseInt(m[2]!, 10) : 1,
        items: [],
      };
      while (i < ls.length && (m = item.exec(ls[i]!)) && /\d/.test(m[2]!) === ordered) {
        const indent = m[1]!.length;
        const body = [ls[i]!.slice(m[0].length)];
        for (i++; i < ls.length; i++) {
          const n = ls[i]!;
          if (n.trim() === "") {
            if (!/^\s{2,}\S/.test(ls[i + 1] ?? "")) break;
            body.push("");
            continue;
          }
          const lead = n.length - n.trimStart().length;
          if (lead <= indent && (item.test(n) || /^\s{0,3}(#|>|```)/.test(n))) break;
          if (lead <= indent && body.at(-1) === "") break;
          body.push(n.slice(Math.min(lead, indent + 2)));
        }
        const task = /^\[([ xX])\]\s+/.exec(body[0]!);
        if (task) body[0] = body[0]!.slice(task[0].length);
        list.items.push({ task: task ? task[1] !== " " : undefined, children: read(body, depth + 1) });
        while (i < ls.length && ls[i]!.trim() === "" && item.test(ls[i + 1] ?? "")) i++;
      }
      out.push(list);
    } else if (l.includes("|") && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(ls[i + 1] ?? "")) {
      const head = cells(l);
      const rows: Inline[][][] = [];
      for (i += 2; i < ls.length && ls[i]!.includes("|"); i++) rows.push(cells(ls[i]!));
      out.push({ kind: "table", head, rows });
    } else {
      const body = [l];
      for (i++; i < ls.length; i++) {
        const n = ls[i]!;
        if (n.trim() === "" || /^\s{0,3}(#{1,6}\s|>|```|~~~)/.test(n) || item.test(n)) break;
        body.push(n);
      }
      out.push({ kind: "paragraph", children: inline(body.map((b) => b.trim()).join("\n")) });
    }
  }
  return out;
}
