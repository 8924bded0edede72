// Roles and scopes as people write them in a form.
import type { Binding, Role, Scope } from "../../api/types";

export interface Draft {
  role: Role;
  tenants: string;
  accounts: string;
  formats: string;
}

const parts = ["tenants", "accounts", "formats"] as const;

/** toDraft writes bindings into the fields of a form. */
export function toDraft(list: Binding[] | null | undefined): Draft[] {
  return (list ?? []).map((b) => ({
    role: b.role,
    tenants: b.scope?.tenants?.join(", ") ?? "",
    accounts: b.scope?.accounts?.join(", ") ?? "",
    formats: b.scope?.formats?.join(", ") ?? "",
  }));
}

/** toBindings reads the fields: separated by commas, blanks or lines; twice the same is once. */
export function toBindings(list: Draft[]): Binding[] {
  return list.map((d) => {
    const scope: Scope = {};
    for (const p of parts) {
      const values = [...new Set(d[p].split(/[\s,、，]+/).filter(Boolean))];
      if (values.length > 0) scope[p] = values;
    }
    return Object.keys(scope).length > 0 ? { role: d.role, scope } : { role: d.role };
  });
}

/** same says whether two lists of bindings give the same, in the same order. */
export function same(a: Binding[] | null | undefined, b: Binding[] | null | undefined): boolean {
  const norm = (l: Binding[] | null | undefined) => JSON.stringify(toBindings(toDraft(l)));
  return norm(a) === norm(b);
}

/** scopeText is a scope in one line; "" is everything. */
export function scopeText(s: Scope | undefined): string {
  const where = [...(s?.tenants ?? []), ...(s?.accounts ?? [])];
  const few = (l: string[]) => (l.length > 3 ? `${l.slice(0, 3).join(", ")}, … +${l.length - 3}` : l.join(", "));
  return [few(where), few(s?.formats ?? [])].filter(Boolean).join(" · ");
}

/** expiry is so many days from now; the server takes what is within a year. */
export function expiry(days: number, now: number): string {
  return new Date(Math.min(now + days * 86_400_000, now + 365 * 86_400_000 - 60_000)).toISOString();
}
