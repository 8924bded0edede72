// The matrix of ATT&CK out of a flat list: sub-techniques are counted with their technique, and
// a technique stands below each of its tactics, as in ATT&CK itself.
import type { AttackTechnique } from "../../api/types";
import { names } from "./names";

export const tactics = [
  "reconnaissance",
  "resource-development",
  "initial-access",
  "execution",
  "persistence",
  "privilege-escalation",
  "defense-evasion",
  "credential-access",
  "discovery",
  "lateral-movement",
  "collection",
  "command-and-control",
  "exfiltration",
  "impact",
] as const;

export type Tactic = (typeof tactics)[number];

export interface Cell {
  id: string;
  name: string;
  rules: number;
  findings: number;
  issues: number;
  /** What of it is a sub-technique. */
  subs: AttackTechnique[];
  /** 0 (nothing) to 5: by order of magnitude of the findings. */
  heat: number;
}

export interface Column {
  tactic: Tactic;
  cells: Cell[];
}

/** heat is how hot a number is: each step is about four times the one before. */
export function heat(n: number): number {
  if (n <= 0) return 0;
  return Math.min(5, 1 + Math.floor(Math.log(n) / Math.log(4)));
}

/** matrix groups techniques; tactics without any are left out. Most findings stand first. */
export function matrix(list: AttackTechnique[]): Column[] {
  const cells = new Map<string, Cell & { tactics: Set<string> }>();
  for (const t of list) {
    const id = t.id.split(".")[0]!;
    let c = cells.get(id);
    if (!c)
      cells.set(
        id,
        (c = { id, name: names[id] ?? "", rules: 0, findings: 0, issues: 0, subs: [], heat: 0, tactics: new Set() }),
      );
    if (t.id === id) c.name = t.name || c.name;
    else c.subs.push(t);
    c.rules += t.rules;
    c.findings += t.findings;
    c.issues += t.issues;
    for (const x of t.tactics ?? []) c.tactics.add(x);
  }
  for (const c of cells.values()) {
    c.heat = heat(c.findings);
    // A technique of which only sub-techniques are known is called by the one there is.
    if (!c.name) c.name = c.subs.length === 1 ? (c.subs[0]!.name ?? "") : "";
  }
  return tactics
    .map((tactic) => ({
      tactic,
      cells: [...cells.values()]
        .filter((c) => c.tactics.has(tactic))
        .sort((a, b) => b.findings - a.findings || b.rules - a.rules || a.id.localeCompare(b.id)),
    }))
    .filter((c) => c.cells.length > 0);
}
