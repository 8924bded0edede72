// The people and things that the values of a record name: whoever reads a record goes on from
// them, to the page of an entity, to its issues or to a hunt.
import type { Entity } from "../api/types";
import { entityTerm, kqlString } from "./pivot";

/** Named is somebody or something that a text names; without a type it has no page of its own. */
export interface Named {
  type?: string;
  id: string;
}

/** Piece is a part of a text, and whom or what it names. */
export interface Piece {
  text: string;
  named?: Named;
}

/** arnType is the kind of entity that an ARN names, as the decoders have it. */
export function arnType(arn: string): string {
  const [, , service, , , ...rest] = arn.split(":");
  const kind = rest.join(":").split("/")[0];
  if (service === "iam" && (kind === "user" || kind === "root")) return "user";
  if (service === "iam" && kind === "role") return "role";
  if (service === "sts" && (kind === "assumed-role" || kind === "federated-user")) return "session";
  if (service === "ec2" && kind === "instance") return "host";
  return "resource";
}

const forms: [RegExp, (s: string) => string | undefined | false][] = [
  [/(?<![\w:/.-])arn:[a-z][\w-]*:[\w-]+:[\w-]*:\d*:[^\s"'\\<>,;(){}[\]`|]+(?<![.:])/g, arnType],
  [/(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+(?![\w@-])/g, () => "user"],
  [/(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\w)/g, (s) => s.split(".").every((n) => Number(n) <= 255) && "ip"],
  [/(?<![\w:.-])[\da-f:]{2,45}(?![\w:-]|\.\d)/gi, (s) => isIPv6(s) && "ip"],
  [/(?<![\w-])A[KS]IA[A-Z2-7\d]{16}(?![\w-])/g, () => "key"],
  // A hash has no page: it is looked for in titles, notes and records.
  [/(?<![\w-])(?:[\da-f]{64}|[\da-f]{40}|[\da-f]{32})(?![\w-])/gi, (s) => (/[a-f]/i.test(s) ? undefined : false)],
];

function isIPv6(s: string): boolean {
  if (s === "::" || (s.match(/:/g) ?? []).length < 2) return false;
  try {
    return new URL(`http://[${s}]/`).hostname.length > 2;
  } catch {
    return false;
  }
}

const domain = /^(?=.{4,253}$)(?:[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d])?\.)+[a-z][a-z\d-]{0,61}[a-z\d]\.?$/i;
const longest = 20_000;
const most = 200;

/**
 * pieces cuts a text where it names somebody or something. The entities that the finding itself
 * is about are known by their ids; others by their form, and by the key that the value stands
 * under where the form alone would be a guess.
 */
export function pieces(value: string, key = "", known: readonly Entity[] = []): Piece[] {
  const whole = one(value, key, known);
  if (whole) return [{ text: value, named: whole }];
  if (value.length > longest) return [{ text: value }];
  const found: { at: number; text: string; named: Named }[] = [];
  for (const e of known) {
    if (e.id.length < 6) continue;
    for (let at = value.indexOf(e.id); at >= 0 && found.length < most; at = value.indexOf(e.id, at + e.id.length))
      if (!/[\w-]/.test(value[at - 1] ?? "") && !/[\w-]/.test(value[at + e.id.length] ?? ""))
        found.push({ at, text: e.id, named: { type: e.type, id: e.id } });
  }
  for (const [form, type] of forms)
    for (const m of value.matchAll(form)) {
      if (found.length >= most) break;
      const t = type(m[0]);
      if (t === undefined && /id$/i.test(key)) continue; // a number of the vendor's own, and no hash
      if (t !== false) found.push({ at: m.index, text: m[0], named: t ? { type: t, id: m[0] } : { id: m[0] } });
    }
  found.sort((a, b) => a.at - b.at || b.text.length - a.text.length);
  const out: Piece[] = [];
  let end = 0;
  for (const f of found) {
    if (f.at < end) continue;
    if (f.at > end) out.push({ text: value.slice(end, f.at) });
    out.push({ text: f.text, named: f.named });
    end = f.at + f.text.length;
  }
  if (end < value.length || out.length === 0) out.push({ text: value.slice(end) });
  return out;
}

/** one is whom or what the whole of a value names. */
function one(value: string, key: string, known: readonly Entity[]): Named | undefined {
  if (value === "") return undefined;
  const same = known.find((e) => e.id === value);
  if (same) return { type: same.type, id: same.id };
  // A bare name is that of the entity whose id ends in it: bob is arn:aws:iam::1:user/bob.
  if (value.length > 2 && /user|role|principal|name|actor|login|host|bucket|instance/i.test(key)) {
    const ends = known.filter((e) => e.id.endsWith(`/${value}`) || e.id.endsWith(`:${value}`));
    if (ends.length === 1) return { type: ends[0]!.type, id: ends[0]!.id };
  }
  if (/^\d{12}$/.test(value) && /account|owner/i.test(key)) return { type: "account", id: value };
  if (/domain|dns|fqdn|host|query|sni/i.test(key) && domain.test(value)) return { type: "domain", id: value };
  return undefined;
}

/** issuesOf asks the list of issues for it. */
export function issuesOf(n: Named): string {
  return n.type ? entityTerm(n.type, n.id) : `"${n.id.replace(/["\\]/g, "\\$&")}"`;
}

/** huntFor asks the lake for whatever has to do with it. */
export function huntFor(type: string | undefined, id: string): string {
  const v = kqlString(id);
  switch (type) {
    case "ip":
      return `events\n| where src_ip == ${v} or raw has ${v}`;
    case "account":
      return `events\n| where account == ${v}`;
    case "key":
      return `events\n| where access_key == ${v}`;
    case "user":
    case "role":
    case "session":
    case "service_principal":
      return `events\n| where actor_id == ${v} or session_of == ${v}`;
    default:
      return `events\n| where raw has ${v}`;
  }
}
