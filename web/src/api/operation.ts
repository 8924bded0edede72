// What the API says of how the watch itself does: the overview and the books.
import type { Entity, Severity } from "./types";

/** Behind is a number and the query of the list that it counts. */
export interface Behind {
  n: number;
  q: string;
}

export interface OpenLevel {
  severity: Severity;
  open: number;
  acknowledged: number;
  q?: string;
}

export interface Acknowledge {
  days?: number;
  median_s?: number;
  p90_s?: number;
  n: number;
  by_severity?: { severity: Severity; median_s?: number; p90_s?: number; n: number }[] | null;
}

export interface NoisyRule {
  rule: { id: string; title: string; title_ja?: string };
  findings: number;
  issues: number;
  per_day: number;
  q?: string;
}

export type SourceState = "ok" | "late" | "silent" | "failing" | "waiting";
export type SinkState = "ok" | "late" | "failing";

export interface SourceBrief {
  name: string;
  kind: string;
  state: SourceState;
  lag_s?: number;
  last_event?: string;
  waiting: number;
  error?: string;
  q?: string;
}

export interface SinkBrief {
  name: string;
  kind: string;
  state?: SinkState;
  waiting: number;
  dead: number;
  oldest?: string;
  q?: string;
}

export interface Hour {
  at: string;
  events: number;
  findings: number;
  broken?: number;
}

export interface Technique {
  id: string;
  name?: string;
  tactics: string[] | null;
  rules: number;
  findings: number;
  issues: number;
  q?: string;
}

export interface LakeBrief {
  bytes: number;
  raw_bytes?: number;
  files: number;
  records: number;
  oldest?: string;
  newest?: string;
  retention_days?: number;
  per_day_bytes?: number;
}

export interface Overview {
  at: string;
  since?: string;
  open: OpenLevel[];
  new_since: Behind & { since?: string };
  unassigned?: Behind;
  suppressed: Behind;
  acknowledge: Acknowledge;
  noisy: NoisyRule[] | null;
  /** Absent for those who do not see the whole installation, as sinks and lake. */
  sources?: SourceBrief[] | null;
  hours: Hour[] | null;
  events_known?: boolean;
  countries?: { country: string; events: number; findings: number; q?: string }[] | null;
  attack?: { tactics: string[] | null; techniques: Technique[] | null } | null;
  lake?: LakeBrief;
  sinks?: SinkBrief[] | null;
  dead_letters: Behind;
}

export interface Source extends SourceBrief {
  oldest?: string;
  received: number;
  judged: number;
  repeats: number;
  broken: number;
  own: number;
  findings: number;
  objects: number;
  objects_done: number;
  error_at?: string;
  formats?: string[] | null;
  accounts?: { id: string; name?: string; last?: string; silent?: boolean }[] | null;
}

export interface Sink extends SinkBrief {
  owed: number;
  delivered: number;
  folded: number;
  doubled: number;
  error?: string;
  url?: string;
}

export interface LedgerSource {
  name: string;
  received: number;
  judged: number;
  waiting: number;
  kept: number;
  repeats: number;
  broken: number;
  own: number;
  findings: number;
  objects: number;
  objects_done: number;
  oldest?: string;
  balanced: boolean;
}

export interface LedgerSink {
  name: string;
  owed: number;
  delivered: number;
  waiting: number;
  dead: number;
  folded: number;
  doubled: number;
  oldest?: string;
  balanced: boolean;
}

export interface Ledger {
  at: string;
  sources: LedgerSource[] | null;
  sinks: LedgerSink[] | null;
  dead_letters?: { n: number; retried: number };
  /** Where a line does not balance. */
  faults?: string[] | null;
}

export interface DeadLetter {
  id: string;
  source: string;
  object: string;
  record: number;
  offset: number;
  format?: string;
  reason: string;
  preview?: string;
  size: number;
  at: string;
  retried?: string;
  /** Base64, of one letter alone. */
  bytes?: string;
}

export interface AuditLine {
  seq: number;
  at: string;
  who: string;
  what: string;
  on?: string;
  outcome: "done" | "refused";
  from?: string;
  request?: string;
  detail?: string;
}

export interface AuditCheck {
  ok: boolean;
  lines: number;
  at?: string;
  head?: string;
  broken_at?: number;
  reason?: string;
}

export interface EntityRow extends Entity {
  first_seen?: string;
  last_seen?: string;
  /** Of all the issues that name it. */
  findings: number;
  issues: number;
  /** Of those that are not closed. */
  worst?: Severity;
  accounts: string[] | null;
}

export interface EntityPage {
  entity: Entity;
  first_seen?: string;
  last_seen?: string;
  issues_n: number;
  findings_n: number;
  activity: { at: string; n: number }[] | null;
  actions: { action: string; n: number }[] | null;
  usual: UsualFact[] | null;
  related: { type: string; id: string; n: number }[] | null;
  cut?: boolean;
}

export interface UsualFact {
  of: string;
  entity: Entity;
  value: string;
  unknown?: string;
  first: boolean;
  rare: boolean;
  learning: boolean;
  count: number;
  days: number;
  total: number;
  known_days: number;
  since?: string;
  last?: string;
  peers: number;
  peers_with: number;
  text?: string;
}

export interface Doc {
  path: string;
  title: string;
  title_ja?: string;
  kind: "runbook" | "handbook" | "reference" | "settings";
  lang?: "en" | "ja";
  rule?: string;
  shipped?: boolean;
  updated?: string;
  size?: number;
}

export interface DocText extends Doc {
  text: string;
  etag?: string;
  editable?: boolean;
}
