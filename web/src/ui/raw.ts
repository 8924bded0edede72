// A raw record as lines, with the clauses of a rule at the values that they are about.
import type { Clause } from "../api/types";

export interface Line {
  depth: number;
  /** Where the line's value is: ["userIdentity", "type"]. */
  path: string[];
  key?: string;
  /** A value, or the brackets that open or close. */
  value: string;
  kind: "string" | "number" | "word" | "open" | "close" | "empty" | "text";
  comma: boolean;
}

/** lines writes a value as JSON, a line for each value. */
export function lines(v: unknown): Line[] {
  const out: Line[] = [];
  const write = (v: unknown, path: string[], depth: number, key: string | undefined, comma: boolean) => {
    const line = (value: string, kind: Line["kind"], c = comma) =>
      out.push({ depth, path, key, value, kind, comma: c });
    if (Array.isArray(v)) {
      if (v.length === 0) return line("[]", "empty");
      line("[", "open", false);
      v.forEach((x, i) => write(x, [...path, String(i)], depth + 1, undefined, i < v.length - 1));
      out.push({ depth, path, value: "]", kind: "close", comma });
    } else if (v !== null && typeof v === "object") {
      const keys = Object.keys(v);
      if (keys.length === 0) return line("{}", "empty");
      line("{", "open", false);
      keys.forEach((k, i) => write((v as Record<string, unknown>)[k], [...path, k], depth + 1, k, i < keys.length - 1));
      out.push({ depth, path, value: "}", kind: "close", comma });
    } else if (typeof v === "string") line(JSON.stringify(v), "string");
    else if (typeof v === "number") line(String(v), "number");
    else line(String(v), "word");
  };
  write(v, [], 0, undefined, false);
  return out;
}

/** pathOf cuts a path: $.a.b[0], a.b.0, /a/b/0. */
export function pathOf(s: string): string[] {
  if (s.startsWith("/"))
    return s
      .slice(1)
      .split("/")
      .map((p) => p.replace(/~1/g, "/").replace(/~0/g, "~"));
  return s
    .replace(/^\$\.?/, "")
    .replace(/\[(\d+|"[^"]*"|'[^']*')\]/g, (_, k: string) => `.${k.replace(/^["']|["']$/g, "")}`)
    .split(".")
    .filter((p) => p !== "");
}

const same = (a: string[], b: string[]) =>
  a.length === b.length && a.every((x, i) => x.toLowerCase() === b[i]!.toLowerCase());
const isIndex = (s: string) => /^\d+$/.test(s);

/**
 * marks finds the lines that clauses are about: by the path that the server says, else by the
 * field as the rule writes it (indexes of arrays left out), else by the one value that is the
 * same. The result maps the number of a line to its clauses.
 */
export function marks(ls: Line[], clauses: Clause[]): Map<number, Clause[]> {
  const out = new Map<number, Clause[]>();
  const add = (n: number, c: Clause) => out.set(n, [...(out.get(n) ?? []), c]);
  for (const c of clauses) {
    const path = c.path ? pathOf(c.path) : undefined;
    const leaf = (l: Line) => l.kind !== "close";
    let hits: number[] = [];
    const find = (ok: (l: Line) => boolean) => {
      if (hits.length === 0) hits = ls.flatMap((l, i) => (leaf(l) && ok(l) ? [i] : []));
    };
    if (path) find((l) => same(l.path, path));
    const field = pathOf(c.field);
    if (hits.length === 0 && field.length > 0) {
      find((l) => same(l.path, field));
      find(
        (l) =>
          same(
            l.path.filter((p) => !isIndex(p)),
            field.filter((p) => !isIndex(p)),
          ) &&
          (c.actual === "" || text(l) === c.actual),
      );
      if (hits.length === 0 && c.actual !== "") {
        const values = ls.flatMap((l, i) =>
          l.kind !== "open" && l.kind !== "close" && text(l) === c.actual ? [i] : [],
        );
        if (values.length === 1) hits = values;
      }
    }
    for (const n of hits) add(n, c);
  }
  return out;
}

/** text is the value of a line without its quotes. */
export function text(l: Line): string {
  if (l.kind !== "string") return l.value;
  try {
    return JSON.parse(l.value) as string;
  } catch {
    return l.value; // an escape that JSON does not know: it stays as it was received
  }
}

const deepest = 200;

/**
 * scan writes a record as it was received, a line for each value, without making values of it:
 * numbers keep their digits, keys that are there twice stay. What is no JSON is undefined.
 */
export function scan(json: string): Line[] | undefined {
  const out: Line[] = [];
  let at = 0;
  const skip = () => {
    while (/\s/.test(json[at] ?? "")) at++;
  };
  const take = (re: RegExp) => {
    re.lastIndex = at;
    const m = re.exec(json)?.[0];
    if (m === undefined) throw new SyntaxError(`at ${at}`);
    at += m.length;
    return m;
  };
  const value = (path: string[], key: string | undefined) => {
    if (path.length > deepest) throw new SyntaxError("too deep");
    skip();
    const depth = path.length;
    const line = (v: string, kind: Line["kind"]) => out.push({ depth, path, key, value: v, kind, comma: false });
    const c = json[at];
    if (c === '"') line(take(string), "string");
    else if (c === "{" || c === "[") {
      const end = c === "{" ? "}" : "]";
      at++;
      skip();
      if (json[at] === end) {
        at++;
        return line(c + end, "empty");
      }
      line(c, "open");
      for (let n = 0; ; n++) {
        skip();
        let k: string | undefined;
        if (c === "{") {
          k = JSON.parse(take(string)) as string;
          skip();
          take(/:/y);
        }
        value([...path, k ?? String(n)], k);
        skip();
        if (take(/[,}\]]/y) !== ",") {
          if (json[at - 1] !== end) throw new SyntaxError(`at ${at}`);
          break;
        }
        out.at(-1)!.comma = true;
      }
      out.push({ depth, path, value: end, kind: "close", comma: false });
    } else if (/[-\d]/.test(c ?? "")) line(take(/-?\d+(\.\d+)?([eE][-+]?\d+)?/y), "number");
    else line(take(/true|false|null/y), "word");
  };
  try {
    value([], undefined);
    skip();
    return at === json.length ? out : undefined;
  } catch {
    return undefined;
  }
}

const string = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;

/** linesOf writes a record: JSON a line for each value, any other text as it stands. */
export function linesOf(raw: unknown): Line[] {
  if (typeof raw !== "string") return lines(raw);
  return (
    scan(raw) ??
    raw.split("\n").map((value, i): Line => ({ depth: 0, path: [String(i)], value, kind: "text", comma: false }))
  );
}
