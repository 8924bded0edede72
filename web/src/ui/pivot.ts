// A thing in the words of other tools.

interface EventLike {
  format: string;
  key?: string;
  id?: string;
  time?: string;
  action?: string;
  account?: string;
}

/** kqlString quotes a text for KQL. */
export function kqlString(s: string): string {
  return `"${s.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t")}"`;
}

/** shellString quotes a text for a POSIX shell. */
export function shellString(s: string): string {
  return `'${s.replace(/'/g, `'\\''`)}'`;
}

/** term writes field:value in the grammar of lists, quoted where it must be. */
export function term(field: string, value: string, not = false): string {
  const v = /^[^\s"(),:*\\-][^\s"(),*\\]*$/.test(value)
    ? value
    : `"${value.replace(/\\/g, "\\\\").replace(/"/g, '\\"')}"`;
  return `${not ? "-" : ""}${field}:${v}`;
}

/** entityTerm asks for an entity of a type; the quotes stand around its id alone. */
export function entityTerm(type: string, id: string): string {
  return `entity:${type}=${term("", id).slice(1)}`;
}

/** withTerm adds a term to a query, or takes it out where it stands already. */
export function withTerm(q: string, t: string): string {
  const padded = ` ${q.trim()} `;
  if (padded.includes(` ${t} `)) return padded.replace(` ${t} `, " ").trim();
  return `${q.trim()} ${t}`.trim();
}

/** hasTerm says whether a query has a term as it is written. */
export function hasTerm(q: string, t: string): boolean {
  return ` ${q.trim()} `.includes(` ${t} `);
}

/** asKQL asks the lake for an event. */
export function asKQL(e: EventLike): string {
  const lines = ["events"];
  if (e.time) {
    const t = new Date(e.time).getTime();
    lines.push(
      `| where time between (datetime(${new Date(t - 60_000).toISOString()}) .. datetime(${new Date(t + 60_000).toISOString()}))`,
    );
  }
  lines.push(`| where format == ${kqlString(e.format)}`);
  if (e.key) lines.push(`| where key == ${kqlString(e.key)}`);
  else if (e.id) lines.push(`| where id == ${kqlString(e.id)}`);
  return lines.join("\n");
}

/** asJq picks an event out of what yagura decode prints. */
export function asJq(e: EventLike): string {
  const by = e.key ? `.key == ${JSON.stringify(e.key)}` : `.id == ${JSON.stringify(e.id ?? "")}`;
  return `yagura decode FILE | jq ${shellString(`select(${by})`)}`;
}

/** asCurl asks the API for what the page shows. */
export function asCurl(path: string): string {
  return `curl -sS -H "Authorization: Bearer $YAGURA_TOKEN" ${shellString(`${location.origin}/api/v1${path}`)}`;
}
