// The forms of the API that the console reads, by the contract of version 1.

export type Severity = "critical" | "high" | "medium" | "low" | "none";
export const severities: readonly Severity[] = ["critical", "high", "medium", "low", "none"];
export type Status = "open" | "acknowledged" | "closed";
export type Conclusion = "" | "true_positive" | "benign" | "false_positive" | "accepted";
export type Permission = "view" | "hunt" | "work" | "decide" | "configure" | "manage";

export interface Page<T> {
  items: T[];
  next?: string;
  total?: { n: number; exact: boolean };
}

export interface Entity {
  type: string;
  id: string;
}

export interface Actor {
  type?: string;
  id?: string;
  name?: string;
  session_of?: string;
}

export interface RuleRef {
  id: string;
  title: string;
  engine: string;
  file: string;
  tags: string[] | null;
}

export interface EventRef {
  id: string;
  key: string;
  time: string;
  account: string;
  region: string;
  action: string;
  actor: Actor;
  src_ip: string;
  outcome: string;
}

export interface Event extends EventRef {
  v: number;
  format: string;
  source: string;
  seen: string;
  targets: Entity[] | null;
  entities: Entity[] | null;
  file: string;
  offset: number;
  raw: unknown;
}

export interface Why {
  field: string;
  op: string;
  value: string;
  actual: string;
}

/** Clause is a Why with its place in the raw record: a path of JSON, or bytes. */
export interface Clause extends Why {
  path?: string;
  start?: number;
  end?: number;
}

export interface Usual {
  entity?: Entity;
  dimension?: string;
  value?: string;
  verdict?: string;
  text?: string;
  [more: string]: unknown;
}

export interface Finding {
  v: number;
  id: string;
  cause_key: string;
  kind: "posture" | "behaviour";
  rule: RuleRef;
  severity: Severity;
  severity_original: string;
  format: string;
  source: string;
  time: string;
  event: EventRef;
  events: string[] | null;
  entities: Entity[] | null;
  why: Why[] | null;
  output: string;
  issue_id?: string;
  /** By the severity policy; severity is the rule's own. */
  judged?: Severity;
  suppressed?: boolean;
  seen?: string;
  decided?: string[];
  mode?: string;
  retro?: boolean;
  caps?: string[];
  usual?: Usual[];
}

export interface AccountInfo {
  id?: string;
  name?: string;
  cloud?: string;
  organisation?: string;
  owner?: string;
  environment?: string;
  tags?: string[];
  listed?: boolean;
}

export interface Runbook {
  check?: string[];
  do?: string[];
  check_ja?: string[];
  do_ja?: string[];
}

export interface Issue {
  v: number;
  id: string;
  cause_key: string;
  kind: "posture" | "behaviour";
  title: string;
  title_ja?: string;
  runbook?: Runbook;
  rule: RuleRef;
  format: string;
  severity: Severity;
  severity_original: string;
  status: Status;
  conclusion?: Conclusion;
  episode: number;
  flapping?: boolean;
  opened: string;
  updated: string;
  closed?: string;
  close_reason?: string;
  acked?: string;
  first_seen: string;
  last_seen: string;
  count: number;
  account: string;
  account_info?: AccountInfo;
  actor?: Actor;
  entities: Entity[] | null;
  assignee?: string;
  labels?: string[];
  links?: { title: string; url: string }[];
  routes?: string[];
  told?: string[];
  suppressed_until?: string;
  suppress_reason?: string;
  explained?: string[];
  umbrella?: string;
  latest?: Finding;
  version: number;
}

export interface Episode {
  issue_id: string;
  n: number;
  opened: string;
  acked?: string;
  closed?: string;
  close_reason?: string;
  closed_by?: string;
}

export interface Ticket {
  sink: string;
  ref: string;
  url?: string;
}

export interface IssueFull extends Issue {
  episodes?: Episode[];
  tickets?: Ticket[];
  permissions?: Permission[];
}

export interface Entry {
  issue_id: string;
  seq: number;
  at: string;
  event_time?: string;
  who: string;
  what: string;
  text: string;
  finding_id?: string;
  rule?: string;
}

export interface Notice {
  id: string;
  issue_id?: string;
  sink: string;
  seq: number;
  op: string;
  state: "waiting" | "delivered" | "dead";
  attempts: number;
  created?: string;
  due?: string;
  done?: string;
  detail?: string;
  error?: string;
}

export interface RelatedIssue {
  id: string;
  severity: Severity;
  status: Status;
  title: string;
  title_ja?: string;
  conclusion?: Conclusion;
  why?: string;
  why_ja?: string;
  last_seen: string;
}

export interface RawEvent {
  finding_id: string;
  event: Event;
  /** The record as it was received. */
  raw: string;
  clauses: Clause[] | null;
  /** Why the record itself is not here. */
  missing?: string;
}

export interface Related {
  same_actor: RelatedIssue[] | null;
  similar: RelatedIssue[] | null;
}

export interface GraphNode {
  id: string;
  type: string;
  label: string;
  n: number;
  severity?: Severity;
}

export interface Graph {
  nodes: GraphNode[];
  edges: { from: string; to: string; label: string; n: number }[];
  /** There is more than is shown. */
  cut?: boolean;
}

/** Counted is a value of a list, how many rows have it, and the query that asks for them. */
export interface Counted {
  id: string;
  name?: string;
  n: number;
  q: string;
}

export interface IssueCounts {
  severity: Counted[] | null;
  status: Counted[] | null;
  rule: Counted[] | null;
  account: Counted[] | null;
  assignee: Counted[] | null;
  exact: boolean;
}

export type ChangeKind =
  | "acknowledge"
  | "close"
  | "reopen"
  | "assign"
  | "label"
  | "unlabel"
  | "comment"
  | "conclude"
  | "suppress";

/** Change is what a person does to an issue; id lets the server see a repeat. */
export interface Change {
  id?: string;
  what: ChangeKind;
  text?: string;
  labels?: string[];
  to?: string;
  until?: string;
  verdict?: Conclusion;
}

export interface User {
  id: string;
  name: string;
  display: string;
  email?: string;
  via: string;
  bindings: { role: string; scope?: Scope }[];
  totp?: boolean;
  lang?: "en" | "ja" | "";
  zone?: string;
  theme?: "dark" | "light" | "system" | "";
  version: number;
}

export interface Scope {
  tenants?: string[];
  accounts?: string[];
  formats?: string[];
}

export interface Session {
  /** As timelines and the audit trail name the caller. */
  who?: string;
  user: User;
  permissions: Permission[];
  scopes?: Scope[];
  csrf: string;
  server: { version: string; tenant?: string; zone?: string; demo?: boolean; time: string; build?: string };
}

export interface SignIn {
  setup: boolean;
  local: boolean;
  providers: { name: string; kind: "oidc" | "saml"; label: string; start: string }[] | null;
  demo?: boolean;
}

export interface View {
  id: string;
  name: string;
  list: string;
  query: string;
  sort?: string;
  owner: string;
  shared?: boolean;
}

/** Place is where in a text something is wrong; start and end are bytes of UTF-8. */
export interface Place {
  line: number;
  column: number;
  start: number;
  end: number;
}

export interface ProblemDetails {
  title: string;
  status: number;
  code: string;
  detail: string;
  detail_ja?: string;
  request?: string;
  place?: Place;
  hint?: string;
  hint_ja?: string;
  reason?: string;
  problems?: Fault[];
}

export interface Fault {
  line: number;
  column: number;
  reason: string;
  reason_ja?: string;
  hint?: string;
}

export interface QueryCheck {
  ok: boolean;
  problems: Fault[] | null;
  places: Place[] | null;
}

export interface Outcome {
  id: string;
  done: boolean;
  issue?: Issue;
  problem?: ProblemDetails;
}

export interface Completion {
  from: number;
  to: number;
  items: { text: string; doc?: string; kind?: string }[] | null;
}

export interface Hit {
  kind: "issue" | "entity" | "rule" | "page" | "document" | "view";
  id: string;
  title: string;
  sub?: string;
  href: string;
}

export interface TwoWords {
  en?: string;
  ja?: string;
}

export interface HuntColumn {
  name: string;
  type: string;
}

export interface HuntResult {
  lang: "kql" | "sql";
  columns: HuntColumn[];
  rows: unknown[][];
  stats: {
    rows: number;
    ms: number;
    scanned_rows: number;
    scanned_bytes: number;
    files: number;
    tables: string[] | null;
    from: string;
    to: string;
    missing?: string[];
  };
  truncated: boolean;
  chart?: string;
}

export interface HuntChecked {
  lang: "kql" | "sql";
  problems: { line: number; column: number; message: string; hint?: string }[] | null;
  tables?: string[];
  columns?: HuntColumn[];
}

export interface HuntTable {
  name: string;
  title: string;
  group: string;
  time?: string;
  columns: HuntColumn[];
}

export interface HuntPast {
  at: string;
  lang: "kql" | "sql";
  text: string;
  rows: number;
  ms: number;
  error?: string;
}

export interface HuntParam {
  name: string;
  type: string;
  default?: string;
  needed?: boolean;
  title?: TwoWords;
}

export interface SavedHunt {
  name: string;
  title: TwoWords;
  description?: TwoWords;
  tactics?: string[];
  techniques?: string[];
  lang: "kql" | "sql";
  range?: string;
  params?: HuntParam[];
  text: string;
  shipped?: boolean;
}

export interface Refusal {
  file?: string;
  line?: number;
  column?: number;
  rule?: string;
  reason: string;
  hint?: string;
  warning?: boolean;
}

export interface Rule {
  id: string;
  title: string;
  title_ja?: string;
  engine?: "sigma" | "falco" | "kql" | "builtin";
  kind?: "posture" | "behaviour";
  severity?: Severity;
  severity_original?: string;
  state: "on" | "off" | "waiting" | "refused";
  enabled: boolean;
  mode?: string;
  techniques: string[] | null;
  tactics: string[] | null;
  tags: string[] | null;
  formats: string[] | null;
  file: string;
  line?: number;
  author?: string;
  shipped?: boolean;
  own?: boolean;
  every?: string;
  tuned?: { enabled?: boolean; severity?: string; mode?: string; reason?: string; by?: string; at?: string };
  findings_7d: number;
  per_day: number;
  last_fired?: string;
  refusal?: Refusal;
}

export interface RuleText extends Rule {
  description?: string;
  description_ja?: string;
  references?: string[];
  false_positives?: string[];
  reason?: string;
  runbook?: { check?: string[]; do?: string[]; check_ja?: string[]; do_ja?: string[] };
  needs?: string[];
  waits?: string[];
  correlates?: string[];
  warnings?: Refusal[];
  text: string;
  etag: string;
}

export interface RuleTried {
  refusals: Refusal[] | null;
  hits: { finding: Finding }[] | null;
  total: number;
  records: number;
  from?: string;
  to?: string;
  cut?: string;
  ms: number;
}

export interface PolicyText {
  text: string;
  etag: string;
  file: string;
  shipped: boolean;
}

export interface PolicyChecked {
  problems:
    | {
        line: number;
        column: number;
        clause?: string;
        code?: string;
        reason: string;
        hint?: string;
        warning?: boolean;
      }[]
    | null;
  refused: boolean;
  clauses: number;
}

export interface BeforeAfter {
  before: number;
  after: number;
}

export interface ReplayedRule {
  rule: string;
  title: string;
  before: string;
  after: string;
  n: number;
  issues: string[] | null;
  why: string[] | null;
}

export interface ReplayedSink {
  sink: string;
  notices: BeforeAfter;
  rises: BeforeAfter;
}

export interface Replayed {
  judged: number;
  from: string;
  to: string;
  cut?: boolean;
  changed: ReplayedRule[] | null;
  by_severity: { before: Record<string, number> | null; after: Record<string, number> | null };
  sinks: ReplayedSink[] | null;
  suppressed: BeforeAfter;
  causes: BeforeAfter;
  no_record?: number;
  errors?: number;
}

export interface PolicyVersion {
  id: string;
  at: string;
  by?: string;
  reason?: string;
  text?: string;
}

export interface Suppression {
  id: string;
  kind: "made" | "policy" | "issue";
  rule?: string;
  title?: string;
  title_ja?: string;
  q?: string;
  when?: string;
  issue?: string;
  until: string;
  reason: string;
  by?: string;
  created?: string;
  state: "active" | "ended";
  place?: string;
}

export interface SuppressionReplay {
  judged: number;
  quiet: number;
  already: number;
  issues: string[] | null;
  rules: ReplayedRule[] | null;
  sinks: ReplayedSink[] | null;
  by_severity: Record<string, number> | null;
  causes: BeforeAfter;
  when: string;
  cut?: boolean;
}
