// Made from docs/openapi.json by npm run types, and never edited by hand.

export interface About {
  /** Changes with every build: a page of another build reloads itself. */
  build: string;
  demo?: boolean;
  /** How the organisation is called. */
  tenant?: string;
  time: string;
  version: string;
  /** IANA name of the team's time zone. */
  zone?: string;
}

export interface Account {
  /** aws, gcp, azure, or what the registry calls it. */
  cloud?: string;
  environment?: string;
  /** Of 7 days. */
  findings: number;
  /** When its first record arrived; only for who sees all of it. */
  first_seen?: string;
  id: string;
  /** That are not closed. */
  issues: number;
  /** When its last record arrived; only for who sees all of it. */
  last_seen?: string;
  /** The registry knows it. */
  listed: boolean;
  name?: string;
  /** The team that owns it. */
  owner?: string;
  /** It has been quiet for longer than it ever is. */
  silent?: boolean;
  /** That its records come by; only for who sees all of it. */
  sources: string[];
  tags: string[];
  /** The organisation that it belongs to. */
  tenant?: string;
}

export interface AccountInfo {
  channel?: string;
  cloud?: string;
  environment?: string;
  id: string;
  listed: boolean;
  name?: string;
  organisation?: string;
  owner?: string;
  pipelines?: string[];
  repository?: string;
  tags?: string[];
}

export interface AccountList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Account[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface AckedLevel {
  median_s: number;
  n: number;
  p90_s: number;
  severity: Severity;
}

export interface Acknowledged {
  /** Severities of which there is an issue. */
  by_severity: AckedLevel[];
  /** How far back issues were looked at. */
  days: number;
  median_s: number;
  n: number;
  p90_s: number;
}

export interface Actor {
  id?: string;
  name?: string;
  session_of?: string;
  type?: string;
}

export interface Attack {
  tactics: string[];
  /** Those that rules look for. */
  techniques: AttackTechnique[];
}

export interface AttackTechnique {
  findings: number;
  id: string;
  /** That are not closed. */
  issues: number;
  name?: string;
  q: string;
  rules: number;
  tactics: string[];
}

export interface Audit {
  at: string;
  detail?: string;
  from?: string;
  on?: string;
  outcome: "done" | "refused";
  request?: string;
  seq: number;
  what: string;
  who: string;
}

export interface AuditCheck {
  at: string;
  /** The first line that is not as it was written. */
  broken_at?: number;
  /** The sum of the newest line, over all before it. Kept elsewhere, it shows a trail that was written anew as a whole. */
  head?: string;
  /** Lines that are as they were written, from the first on. */
  lines: number;
  ok: boolean;
  reason?: string;
}

export interface AuditList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Audit[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface Behind {
  n: number;
  q: string;
}

export interface Binding {
  role: Role;
  scope?: Scope;
}

export interface ChangeIn {
  /** A name that the caller gives the change: sent again, it is applied once. */
  id?: string;
  labels?: string[];
  /** Of a comment; the reason of a close or suppression. */
  text?: string;
  /** Of assign: who; empty is nobody. */
  to?: string;
  /** Of suppress. */
  until?: string;
  /** Of close and conclude. */
  verdict?: Conclusion;
  /** answer is for sinks alone. */
  what: ChangeKind;
}

export type ChangeKind = "acknowledge" | "close" | "reopen" | "assign" | "label" | "unlabel" | "comment" | "conclude" | "suppress" | "answer";

export interface Changed {
  /** false: it was applied before. */
  done: boolean;
  issue: Issue;
}

export interface Clause {
  actual: string;
  /** 0: the value is not found in the record. */
  end?: number;
  field: string;
  op: string;
  /** Of the value in the record. */
  path?: string;
  /** Of the value in raw, in bytes of UTF-8. */
  start?: number;
  value: string;
}

export type CloseReason = "" | "fixed_verified" | "resolved_by_source" | "resource_gone" | "human";

export type Code = "bad_query" | "bad_request" | "conflict" | "csrf" | "forbidden" | "internal" | "match_required" | "media" | "method" | "not_found" | "rate_limited" | "second_factor" | "stale" | "too_large" | "unauthenticated" | "unavailable" | "unprocessable";

export interface Completion {
  /** What an item takes the place of, in bytes of q. */
  from: number;
  items: CompletionItem[];
  to: number;
}

export interface CompletionItem {
  /** In the language of the call. */
  doc?: string;
  kind: "field" | "value" | "operator" | "example" | "term";
  text: string;
}

export type Conclusion = "" | "true_positive" | "benign" | "false_positive" | "accepted";

export interface Counted {
  id: string;
  n: number;
  name?: string;
  /** The title of a rule in Japanese. */
  name_ja?: string;
  /** The query of the list with this value. */
  q: string;
}

export interface CountedAction {
  action: string;
  n: number;
}

export interface CountedAt {
  at: string;
  n: number;
}

export interface CountedEntity {
  id: string;
  n: number;
  type: string;
}

export interface CountryFlow {
  /** ISO 3166-1 alpha-2, or the text of the record where it is no country that is known; empty: an address, and no country. */
  country: string;
  events: number;
  /** About these events; absent where it is not known. */
  findings?: number;
  /** To the list of events. */
  q: string;
}

export interface Coverage {
  tactics: string[];
  techniques: CoveredTechnique[];
}

export interface CoveredTechnique {
  findings_7d: number;
  id: string;
  name: string;
  /** Ids of the rules. */
  rules: string[];
  state: string;
  tactics: string[];
}

export interface DeadLetter {
  /** When it was kept. */
  at: string;
  format?: string;
  id: string;
  object: string;
  /** Of its first byte in the decompressed file. */
  offset: number;
  /** Its first 200 characters; bytes that are no text are U+FFFD. */
  preview: string;
  reason: string;
  /** Number in its file, from 0. */
  record: number;
  /** When a retry judged it. */
  retried?: string;
  /** Of the whole record. */
  size: number;
  source: string;
}

export interface DeadLetterBytes {
  /** When it was kept. */
  at: string;
  bytes: string;
  format?: string;
  id: string;
  object: string;
  /** Of its first byte in the decompressed file. */
  offset: number;
  /** Its first 200 characters; bytes that are no text are U+FFFD. */
  preview: string;
  reason: string;
  /** Number in its file, from 0. */
  record: number;
  /** When a retry judged it. */
  retried?: string;
  /** Of the whole record. */
  size: number;
  source: string;
  /** Not all of it is kept. */
  truncated?: boolean;
}

export interface DeadLetterList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: DeadLetter[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface DeadLetterRetried {
  /** It was judged and is no dead letter any more. */
  done: boolean;
  /** That are new. */
  findings: number;
  /** Why it stays one. */
  reason?: string;
  /** That were judged. */
  records: number;
}

export interface Document {
  /** runbook (of a rule, or in the folder runbooks), handbook (other Markdown) or reference (other texts) */
  kind: "runbook" | "handbook" | "reference";
  /** en or ja */
  lang: "en" | "ja";
  /** Below the folder of documents, with / between folders; that of a rule's runbook begins with rules/. */
  path: string;
  /** The rule whose runbook it is. */
  rule?: string;
  /** It comes with the program. */
  shipped: boolean;
  /** Bytes of the text. */
  size: number;
  /** The first heading; without one, the name of the file. */
  title: string;
  updated?: string;
}

export interface DocumentBody {
  text: string;
}

export interface DocumentChecked {
  problems: Fault[];
}

export interface DocumentList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Document[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface DocumentText {
  /** It can be written here; the runbook of a rule is written in the rule's file. */
  editable: boolean;
  etag: string;
  /** runbook (of a rule, or in the folder runbooks), handbook (other Markdown) or reference (other texts) */
  kind: "runbook" | "handbook" | "reference";
  /** en or ja */
  lang: "en" | "ja";
  /** Below the folder of documents, with / between folders; that of a rule's runbook begins with rules/. */
  path: string;
  /** The rule whose runbook it is. */
  rule?: string;
  /** It comes with the program. */
  shipped: boolean;
  /** Bytes of the text. */
  size: number;
  text: string;
  /** The first heading; without one, the name of the file. */
  title: string;
  updated?: string;
}

export interface DocumentTrial {
  path: string;
  text: string;
}

export interface Ended {
  n: number;
}

export type Engine = "sigma" | "falco" | "kql" | "builtin";

export interface Entity {
  id: string;
  type: string;
}

export interface EntityPage {
  /** The most frequent first. */
  actions: CountedAction[];
  /** Findings per day. */
  activity: CountedAt[];
  /** Activity, actions and related are of the latest findings alone. */
  cut?: boolean;
  entity: Entity;
  findings_n: number;
  first_seen?: string;
  issues_n: number;
  last_seen?: string;
  /** Entities in the same findings, the most frequent first. */
  related: CountedEntity[];
  /** What is known to be usual for it, where rules asked. */
  usual: Usual[];
}

export interface EntityRow {
  /** The accounts of these issues. */
  accounts: string[];
  /** All findings of these issues. */
  findings: number;
  /** The first finding of these issues. */
  first_seen?: string;
  id: string;
  /** Issues that name it. */
  issues: number;
  /** The last finding of these issues. */
  last_seen?: string;
  type: string;
  /** The highest severity of one that is not closed; absent where all are. */
  worst?: Severity;
}

export interface EntityRowList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: EntityRow[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface Entry {
  at: string;
  event_time?: string;
  finding_id?: string;
  issue_id: string;
  rule?: string;
  seq: number;
  text: string;
  what: string;
  who: string;
}

export interface EntryList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Entry[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface Episode {
  acked?: string;
  close_reason?: CloseReason;
  closed?: string;
  closed_by?: string;
  issue_id: string;
  n: number;
  opened: string;
}

export interface Event {
  access_key?: string;
  account?: string;
  /** As the registry has it. */
  account_name?: string;
  action?: string;
  actor: Actor;
  error?: string;
  format: string;
  /** The native id, as the record has it. */
  id?: string;
  /** Of the event; repeats of it have the same. */
  key: string;
  /** The object or message that it came in. */
  object: string;
  outcome?: string;
  /** Number in its object, from 0. */
  record: number;
  region?: string;
  /** When it arrived. */
  seen?: string;
  service?: string;
  /** Bytes of the record. */
  size: number;
  source: string;
  src_ip?: string;
  targets: Entity[];
  /** When it happened, by the record itself; absent where it does not say. */
  time?: string;
  user_agent?: string;
}

export interface EventColumn {
  name: string;
  value: string;
}

export interface EventList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Event[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface EventMatch {
  clauses: Clause[];
  event: EventRef;
  finding_id: string;
  format: string;
  /** not_in_lake: it is written within a minute of its arrival, and kept as long as the retention says. */
  missing?: "not_in_lake" | "no_event";
  /** What the source brought it in. */
  object?: string;
  /** The record as it was received; empty where missing says why. */
  raw: string;
  /** Its number in the object, from 0. */
  record: number;
  /** When it arrived. */
  seen?: string;
  source: string;
}

export interface EventMatchList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: EventMatch[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface EventPage {
  access_key?: string;
  account?: string;
  /** As the registry has it. */
  account_name?: string;
  action?: string;
  actor: Actor;
  error?: string;
  /** That rules said of it, the newest first; at most 50. */
  findings: FindingRow[];
  format: string;
  /** The native id, as the record has it. */
  id?: string;
  /** Of the event; repeats of it have the same. */
  key: string;
  /** Why there is no record: expired (retention left the header). */
  missing?: string;
  /** What the header has beside, of its format alone. */
  more: EventColumn[];
  /** The object or message that it came in. */
  object: string;
  /** Further records with the same key and another content. */
  others?: number;
  outcome?: string;
  /** The record, exactly as it was received. */
  raw?: string;
  /** The same, where it is no UTF-8; raw then shows it as far as it can be shown. */
  raw_base64?: string;
  /** Number in its object, from 0. */
  record: number;
  region?: string;
  /** When it arrived. */
  seen?: string;
  service?: string;
  /** Bytes of the record. */
  size: number;
  source: string;
  src_ip?: string;
  targets: Entity[];
  /** When it happened, by the record itself; absent where it does not say. */
  time?: string;
  user_agent?: string;
}

export interface EventRef {
  account: string;
  action: string;
  actor: Actor;
  id: string;
  key: string;
  outcome: string;
  region: string;
  src_ip: string;
  time: string;
}

export interface Fault {
  column: number;
  hint?: string;
  line: number;
  reason: string;
  reason_ja?: string;
}

export interface Finding {
  caps?: string[];
  cause_key: string;
  entities: Entity[];
  event: EventRef;
  events: string[];
  format: string;
  id: string;
  kind: Kind;
  mode?: string;
  output: string;
  retro?: boolean;
  rule: RuleRef;
  severity: Severity;
  severity_original: string;
  source: string;
  time: string;
  usual?: Usual[];
  v: number;
  why: Why[];
}

export interface FindingPage {
  caps?: string[];
  cause_key: string;
  /** The clauses of the policy that decided, in order. */
  decided?: string[];
  entities: Entity[];
  episode?: number;
  event: EventRef;
  events: string[];
  format: string;
  id: string;
  issue_id?: string;
  /** By the severity policy; severity is the rule's own. */
  judged: Severity;
  kind: Kind;
  mode?: string;
  output: string;
  records: EventMatch[];
  retro?: boolean;
  rule: RuleRef;
  /** The title of its rule in Japanese. */
  rule_title_ja?: string;
  /** When it was judged. */
  seen: string;
  severity: Severity;
  severity_original: string;
  source: string;
  suppressed?: boolean;
  time: string;
  usual?: Usual[];
  v: number;
  why: Why[];
}

export interface FindingRow {
  caps?: string[];
  cause_key: string;
  /** The clauses of the policy that decided, in order. */
  decided?: string[];
  entities: Entity[];
  episode?: number;
  event: EventRef;
  events: string[];
  format: string;
  id: string;
  issue_id?: string;
  /** By the severity policy; severity is the rule's own. */
  judged: Severity;
  kind: Kind;
  mode?: string;
  output: string;
  retro?: boolean;
  rule: RuleRef;
  /** The title of its rule in Japanese. */
  rule_title_ja?: string;
  /** When it was judged. */
  seen: string;
  severity: Severity;
  severity_original: string;
  source: string;
  suppressed?: boolean;
  time: string;
  usual?: Usual[];
  v: number;
  why: Why[];
}

export interface FindingRowList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: FindingRow[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface Graph {
  /** There is more than is shown. */
  cut?: boolean;
  edges: GraphEdge[];
  nodes: GraphNode[];
}

export interface GraphEdge {
  from: string;
  label: string;
  n: number;
  to: string;
}

export interface GraphNode {
  id: string;
  label: string;
  /** Findings of it, or in it. */
  n: number;
  severity?: Severity;
  /** issue, or a type of entity. */
  type: string;
}

export interface Hit {
  /** Of the console's page. */
  href: string;
  id: string;
  kind: "issue" | "entity" | "rule" | "view" | "page" | "document";
  sub?: string;
  /** In the language of the call. It may be hostile text. */
  title: string;
}

export interface Hits {
  items: Hit[];
}

export interface HourFlow {
  at: string;
  broken: number;
  events: number;
  findings: number;
}

export interface HuntAsk {
  /** Earliest time of events. Without it 30 days before the end, or what the question says. */
  from?: string;
  /** The name of a saved hunt, in place of a text. */
  hunt?: string;
  /** kql or sql; without it, the text is looked at. */
  lang?: "kql" | "sql" | "";
  /** Most rows: 1 to 10000, usually 1000. */
  limit?: number;
  /** Values of parameters. */
  params?: Record<string, string>;
  text?: string;
  /** End of the time range, itself not in it; without it, now. */
  to?: string;
}

export interface HuntChecked {
  columns?: HuntColumn[];
  lang: "kql" | "sql";
  problems: HuntProblem[];
  tables?: string[];
}

export interface HuntColumn {
  name: string;
  type: string;
}

export interface HuntCompletion {
  from: number;
  items: HuntItem[];
  to: number;
}

export interface HuntItem {
  doc?: string;
  kind: "table" | "column" | "operator" | "function" | "aggregate" | "keyword" | "hunt";
  text: string;
}

export interface HuntParam {
  default?: string;
  name: string;
  /** It has no default. */
  needed?: boolean;
  title?: Words;
  /** string, int, real, bool, datetime, timespan or list */
  type: string;
}

export interface HuntPast {
  at: string;
  error?: string;
  lang: "kql" | "sql";
  ms: number;
  rows: number;
  text: string;
}

export interface HuntPastList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: HuntPast[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface HuntPlace {
  /** In bytes from the beginning of the text. */
  at: number;
  lang?: "kql" | "sql" | "";
  text: string;
}

export interface HuntProblem {
  column: number;
  hint?: string;
  line: number;
  message: string;
}

export interface HuntResult {
  /** The kind of chart that the question asks for. */
  chart?: string;
  columns: HuntColumn[];
  lang: "kql" | "sql";
  /** Times as RFC 3339, whole numbers beyond 2^53 as text. */
  rows: unknown[][];
  stats: HuntStats;
  /** There would have been more rows. */
  truncated: boolean;
}

export interface HuntSchedule {
  /** How often it runs: 1h. */
  every: string;
  params?: Record<string, string>;
  /** How far it looks back; without it, as far as it runs often. */
  period?: string;
  /** low, medium, high, or none */
  severity: string;
  tactics?: string[];
  techniques?: string[];
  /** It finds something when there are more rows. */
  threshold?: number;
  /** Without it, that of the hunt. */
  title?: string;
}

export interface HuntStats {
  files: number;
  from: string;
  /** Tables of a union that are not there. */
  missing?: string[];
  ms: number;
  rows: number;
  scanned_bytes: number;
  scanned_rows: number;
  tables: string[];
  to: string;
}

export interface HuntTable {
  columns: HuntColumn[];
  group: "house" | "sentinel" | "asim" | "declared" | "watchlist";
  name: string;
  /** The column that a time range is about. */
  time?: string;
  title: string;
}

export interface HuntTableList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: HuntTable[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface Invited {
  /** Of the page /setup#key=…; it is shown once. */
  key: string;
  user: User;
}

export interface Issue {
  account: string;
  account_info?: AccountInfo;
  acked?: string;
  actor?: Actor;
  announced?: Severity;
  assignee?: string;
  cause_key: string;
  close_reason?: CloseReason;
  closed?: string;
  conclusion?: Conclusion;
  count: number;
  entities: Entity[];
  episode: number;
  explained?: string[];
  first_seen: string;
  fixed?: string;
  flapping?: boolean;
  format: string;
  id: string;
  kind: Kind;
  known?: string;
  labels?: string[];
  last_seen: string;
  latest?: Finding;
  links?: Link[];
  opened: string;
  routes?: string[];
  rule: RuleRef;
  runbook?: Runbook;
  severity: Severity;
  severity_original: string;
  status: Status;
  suppress_reason?: string;
  suppressed_until?: string;
  title: string;
  title_ja?: string;
  told?: string[];
  told_closed?: boolean;
  umbrella?: string;
  updated: string;
  v: number;
  version: number;
}

export interface IssueCounts {
  account: Counted[];
  assignee: Counted[];
  /** false: they are of the latest rows alone. */
  exact: boolean;
  rule: Counted[];
  severity: Counted[];
  status: Counted[];
}

export interface IssueList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Issue[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface IssuePage {
  account: string;
  account_info?: AccountInfo;
  acked?: string;
  actor?: Actor;
  announced?: Severity;
  assignee?: string;
  cause_key: string;
  close_reason?: CloseReason;
  closed?: string;
  conclusion?: Conclusion;
  count: number;
  entities: Entity[];
  episode: number;
  episodes: Episode[];
  explained?: string[];
  first_seen: string;
  fixed?: string;
  flapping?: boolean;
  format: string;
  id: string;
  kind: Kind;
  known?: string;
  labels?: string[];
  last_seen: string;
  latest?: Finding;
  links?: Link[];
  opened: string;
  /** What the caller may do with this issue. */
  permissions: Permission[];
  routes?: string[];
  rule: RuleRef;
  /** The title of its rule in Japanese. */
  rule_title_ja?: string;
  runbook?: Runbook;
  severity: Severity;
  severity_original: string;
  status: Status;
  suppress_reason?: string;
  suppressed_until?: string;
  tickets: Ticket[];
  title: string;
  title_ja?: string;
  told?: string[];
  told_closed?: boolean;
  umbrella?: string;
  updated: string;
  v: number;
  version: number;
}

export type Kind = "posture" | "behaviour";

export interface LakeBrief {
  /** Of its files. */
  bytes: number;
  files: number;
  /** folder, or the scheme of an object store: s3, gs, azblob … */
  in: string;
  /** Above which the oldest go. */
  most_bytes?: number;
  newest?: string;
  oldest?: string;
  /** What a day of events comes to: the mean of the whole days of the last week. */
  per_day_bytes?: number;
  /** Of the records as they came. */
  raw_bytes: number;
  /** How long the record itself is kept; behind that its header alone is. */
  raw_days: number;
  records: number;
  /** How long records are kept; 0: for good. What the configuration says of single formats and accounts is not in it. */
  retention_days: number;
}

export interface Ledger {
  at: string;
  /** Every line balances. */
  checked: boolean;
  dead_letters: LedgerDead;
  /** Where one does not. */
  faults?: string[];
  sinks: LedgerSink[];
  sources: LedgerSource[];
  total: LedgerTotal;
}

export interface LedgerDead {
  n: number;
  /** That a retry judged. */
  retried: number;
}

export interface LedgerSink {
  balanced: boolean;
  dead: number;
  delivered: number;
  doubled: number;
  folded: number;
  name: string;
  oldest?: string;
  owed: number;
  waiting: number;
}

export interface LedgerSource {
  balanced: boolean;
  broken: number;
  findings: number;
  judged: number;
  kept: number;
  name: string;
  objects: number;
  objects_done: number;
  oldest?: string;
  own: number;
  received: number;
  repeats: number;
  waiting: number;
}

export interface LedgerTotal {
  dead_notices: number;
  delivered: number;
  judged: number;
  owed: number;
  received: number;
  waiting: number;
  waiting_notices: number;
}

export interface Link {
  title: string;
  url: string;
}

export interface ListDoc {
  doc: string;
  doc_ja: string;
  fields: ListField[];
  name: string;
  sorts: string[];
}

export interface ListDocs {
  items: ListDoc[];
}

export interface ListField {
  aliases?: string[];
  doc: string;
  doc_ja: string;
  japanese?: string;
  kind: string;
  many?: boolean;
  name: string;
  words?: ListWord[];
}

export interface ListWord {
  japanese?: string;
  name: string;
}

export interface NamedRule {
  id: string;
  title: string;
  title_ja?: string;
}

export interface NewToken {
  /** What the machine sends; it is shown once. */
  text: string;
  token: Token;
}

export interface NoisyRule {
  findings: number;
  /** That are not closed. */
  issues: number;
  per_day: number;
  /** To the list of findings. */
  q: string;
  rule: NamedRule;
}

export interface Notice {
  attempts: number;
  created: string;
  detail?: string;
  done?: string;
  due?: string;
  error?: string;
  id: string;
  issue_id?: string;
  op: string;
  seq: number;
  sink: string;
  state: NoticeState;
  /** Of the issue, as the sink was told. */
  title?: string;
  title_ja?: string;
}

export interface NoticeList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Notice[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface NoticeRetried {
  /** It was dead and waits again; false: it waited already. */
  done: boolean;
  notice: Notice;
}

export type NoticeState = "waiting" | "delivered" | "dead";

export interface Offer {
  demo?: boolean;
  local: boolean;
  providers: Provider[];
  setup: boolean;
}

export interface OpenLevel {
  acknowledged: number;
  open: number;
  q: string;
  severity: Severity;
}

export interface Outcome {
  done: boolean;
  id: string;
  issue?: Issue;
  problem?: Problem;
}

export interface Outcomes {
  items: Outcome[];
}

export interface Overview {
  acknowledge: Acknowledged;
  /** When it was added up: up to a minute ago. */
  at: string;
  /** Of a running service alone. */
  attack?: Attack;
  /** Events of 7 days by the country that their records say, the most first, those that say none last; absent where it is not known. */
  countries?: CountryFlow[];
  /** Those that wait for a retry. */
  dead_letters: Behind;
  /** Whether the lake could be asked for the events of the hours. */
  events_known: boolean;
  /** Every hour of the last 7 days, the oldest first. */
  hours: HourFlow[];
  lake?: LakeBrief;
  /** Issues that were opened, or opened again, since. */
  new_since: Behind;
  /** The ten rules with the most findings of 7 days. */
  noisy: NoisyRule[];
  /** Issues that are not closed, critical first. */
  open: OpenLevel[];
  /** What new_since counts from. */
  since: string;
  sinks?: SinkBrief[];
  /** Only for who sees everything, as sinks and lake. */
  sources?: SourceBrief[];
  /** Issues that are not closed and kept quiet. */
  suppressed: Behind;
  /** Issues that are not closed and nobody's. */
  unassigned: Behind;
}

export type Permission = "view" | "hunt" | "work" | "decide" | "configure" | "manage";

export interface Place {
  /** From 1, in characters. */
  column: number;
  end: number;
  /** From 1. */
  line: number;
  /** In bytes from the beginning of the text. */
  start: number;
}

export interface PolicyChecked {
  clauses: number;
  problems: PolicyProblem[];
  /** It cannot hold as it is. */
  refused: boolean;
}

export interface PolicyIn {
  text: string;
}

export interface PolicyProblem {
  clause?: string;
  code?: string;
  column: number;
  hint?: string;
  line: number;
  reason: string;
  warning?: boolean;
}

export interface PolicyPut {
  /** Why; kept with the version. */
  reason?: string;
  text: string;
}

export interface PolicyText {
  etag: string;
  file: string;
  /** The team wrote none: this one comes with the program. */
  shipped: boolean;
  text: string;
}

export interface PolicyTrial {
  /** By when findings were judged; without it 7 days before the end. */
  from?: string;
  text: string;
  /** Without it, now. */
  to?: string;
}

export interface PolicyVersion {
  /** When it was replaced. */
  at: string;
  /** Who replaced it. */
  by?: string;
  id: string;
  reason?: string;
  /** Not in lists. */
  text?: string;
}

export interface PolicyVersionList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: PolicyVersion[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface Problem {
  code: Code;
  detail?: string;
  detail_ja?: string;
  hint?: string;
  hint_ja?: string;
  place?: Place;
  problems?: Fault[];
  /** A finer word than code, where there is one. */
  reason?: string;
  /** The id of the request, as in X-Request-Id and the log. */
  request?: string;
  status: number;
  title: string;
  type: string;
}

export interface Provider {
  kind: string;
  label: string;
  name: string;
  start: string;
}

export interface ProviderRole {
  accounts?: string[];
  email?: string;
  formats?: string[];
  group?: string;
  role: Role;
  tenants?: string[];
}

export interface QueryCheck {
  ok: boolean;
  /** Of the problems, in their order. */
  places: Place[];
  problems: Fault[];
}

export interface Recovery {
  codes: string[];
}

export interface Related {
  /** In the order of time. */
  same_actor: RelatedIssue[];
  /** The most alike first. */
  similar: RelatedIssue[];
}

export interface RelatedIssue {
  conclusion?: Conclusion;
  id: string;
  last_seen: string;
  severity: Severity;
  status: Status;
  title: string;
  title_ja?: string;
  why?: string;
  why_ja?: string;
}

export interface Replayed {
  by_severity: ReplayedLevels;
  /** Issues. */
  causes: ReplayedNumbers;
  changed: ReplayedRule[];
  /** There are more findings than were judged: the oldest are left out. */
  cut?: boolean;
  /** Expressions that could not be evaluated. */
  errors?: number;
  from: string;
  /** Findings. */
  judged: number;
  /** Findings whose record is gone while a clause asks for it. */
  no_record?: number;
  sinks: ReplayedSink[];
  /** Findings that tell nobody. */
  suppressed: ReplayedNumbers;
  to: string;
}

export interface ReplayedLevels {
  after: Record<string, number>;
  before: Record<string, number>;
}

export interface ReplayedNumbers {
  after: number;
  before: number;
}

export interface ReplayedRule {
  after: string;
  /** A severity, with suppressed behind it where it is. */
  before: string;
  issues: string[];
  n: number;
  rule: string;
  title: string;
  title_ja?: string;
  why: string[];
}

export interface ReplayedSink {
  notices: ReplayedNumbers;
  rises: ReplayedNumbers;
  sink: string;
}

export type Role = "viewer" | "analyst" | "responder" | "admin";

export interface Rule {
  author?: string;
  enabled: boolean;
  engine?: Engine;
  /** How often it runs, of a rule on a schedule. */
  every?: string;
  file: string;
  findings_7d: number;
  /** The log types that it judges; none is all. */
  formats: string[];
  id: string;
  kind?: Kind;
  /** For who sees a part of the data: in it, within the last days. */
  last_fired?: string;
  line?: number;
  /** count: its findings are counted and tell nobody. */
  mode?: string;
  /** Its file was made in the console and can be changed there. */
  own?: boolean;
  per_day: number;
  refusal?: RuleRefusal;
  /** Of its findings, before the policy. */
  severity?: "critical" | "high" | "medium" | "low" | "none";
  /** As the file writes it. */
  severity_original?: string;
  shipped?: boolean;
  /** on, off, waiting (for values of placeholders) or refused */
  state: "on" | "off" | "waiting" | "refused";
  tactics: string[];
  tags: string[];
  techniques: string[];
  title: string;
  title_ja?: string;
  tuned?: RuleTuned;
}

export interface RuleFile {
  text: string;
}

export interface RuleHit {
  finding: Finding;
}

export interface RuleList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Rule[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface RuleRef {
  engine: Engine;
  file: string;
  id: string;
  tags: string[];
  title: string;
}

export interface RuleRefusal {
  column?: number;
  file?: string;
  hint?: string;
  line?: number;
  reason: string;
  rule?: string;
  /** The rule was loaded all the same. */
  warning?: boolean;
}

export interface RuleText {
  author?: string;
  /** Rules that it is made of. */
  correlates?: string[];
  description?: string;
  description_ja?: string;
  enabled: boolean;
  engine?: Engine;
  etag: string;
  /** How often it runs, of a rule on a schedule. */
  every?: string;
  false_positives?: string[];
  file: string;
  findings_7d: number;
  /** The log types that it judges; none is all. */
  formats: string[];
  id: string;
  kind?: Kind;
  /** For who sees a part of the data: in it, within the last days. */
  last_fired?: string;
  line?: number;
  /** count: its findings are counted and tell nobody. */
  mode?: string;
  /** Logs that must be there. */
  needs?: string[];
  /** Its file was made in the console and can be changed there. */
  own?: boolean;
  per_day: number;
  /** Why it has its level. */
  reason?: string;
  references?: string[];
  refusal?: RuleRefusal;
  runbook?: Runbook;
  /** Of its findings, before the policy. */
  severity?: "critical" | "high" | "medium" | "low" | "none";
  /** As the file writes it. */
  severity_original?: string;
  shipped?: boolean;
  /** on, off, waiting (for values of placeholders) or refused */
  state: "on" | "off" | "waiting" | "refused";
  tactics: string[];
  tags: string[];
  techniques: string[];
  /** Of the whole file. */
  text: string;
  title: string;
  title_ja?: string;
  tuned?: RuleTuned;
  /** Placeholders that have no value. */
  waits?: string[];
  warnings?: RuleRefusal[];
}

export interface RuleTrial {
  /** How far back: 1 to 720, usually 24. */
  hours?: number;
  /** Most hits: 1 to 200, usually 50. */
  limit?: number;
  text: string;
}

export interface RuleTried {
  /** time or records: the bound at which the test ended before the end. */
  cut?: string;
  from?: string;
  hits: RuleHit[];
  ms: number;
  /** Records that were judged. */
  records: number;
  refusals: RuleRefusal[];
  to?: string;
  /** Findings, those beyond the limit too. */
  total: number;
}

export interface RuleTuned {
  at?: string;
  by?: string;
  enabled?: boolean;
  mode?: "count" | "notify" | "";
  reason?: string;
  severity?: "critical" | "high" | "medium" | "low" | "none" | "";
}

export interface RuleTuning {
  enabled?: boolean;
  mode?: "count" | "notify" | "";
  reason?: string;
  severity?: "critical" | "high" | "medium" | "low" | "none" | "";
}

export interface Runbook {
  check?: string[];
  check_ja?: string[];
  do?: string[];
  do_ja?: string[];
}

export interface SavedHunt {
  description?: Words;
  lang: "kql" | "sql";
  /** Lower case, digits, hyphens. */
  name: string;
  params?: HuntParam[];
  /** How far back when no time is given: 30d. */
  range?: string;
  /** A rule was made of it, which runs by itself. */
  scheduled?: boolean;
  /** It comes with the program, and cannot be deleted. */
  shipped?: boolean;
  tactics?: string[];
  techniques?: string[];
  text: string;
  title: Words;
  /** When its file was changed last; not of those that come with the program. */
  updated?: string;
}

export interface SavedHuntList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: SavedHunt[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface Scope {
  accounts?: string[];
  formats?: string[];
  tenants?: string[];
}

export interface Session {
  agent: string;
  created: string;
  expires: string;
  from: string;
  id: string;
  seen: string;
  user_id: string;
  via: string;
}

export interface SessionBounds {
  /** Whatever happens. */
  age_s: number;
  /** Without a request. */
  idle_s: number;
}

export interface SessionPage {
  /** For X-CSRF-Token of writes. */
  csrf?: string;
  permissions: Permission[];
  /** What may be seen; absent for everything. */
  scopes?: Scope[];
  server: About;
  session?: Session;
  token?: Token;
  /** Absent for tokens and the command line. */
  user?: User;
  /** As timelines and the audit trail name the caller. */
  who: string;
}

export interface SessionRow {
  agent: string;
  created: string;
  /** It is the one of this call. */
  current: boolean;
  expires: string;
  from: string;
  id: string;
  seen: string;
  user_id: string;
  via: string;
}

export interface SessionRowList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: SessionRow[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface Settings {
  /** The file that it was read from. */
  file?: string;
  /** People sign in with a name and a password. */
  local: boolean;
  /** The only ones that the console answers; none are all. */
  networks: string[];
  providers: SignInProvider[];
  sessions: SessionBounds;
  /** In YAML, what was left out left out; every secret is ***. */
  text: string;
}

export type Severity = "critical" | "high" | "medium" | "low" | "none";

export interface SignInProvider {
  /** Where it sends its assertions, of SAML. */
  acs?: string;
  /** When our certificate ends. */
  certificate_until?: string;
  client_id?: string;
  /** Ours. */
  entity_id?: string;
  issuer?: string;
  kind: "oidc" | "saml";
  label: string;
  /** The address of our metadata, of SAML. */
  metadata?: string;
  name: string;
  /** Where it sends browsers back to, of OpenID Connect. */
  redirect?: string;
  roles: ProviderRole[];
}

export interface SignedIn {
  csrf: string;
  user: User;
}

export interface SignedOut {
  /** Where the browser has to go so that the user is signed out at the identity provider too; absent where that is not wanted or not offered. */
  provider?: string;
}

export interface Sink {
  dead: number;
  delivered: number;
  /** Messages that may be there twice. */
  doubled: number;
  error?: string;
  /** Updates that were folded into one that waited. */
  folded: number;
  /** github, slack, pagerduty, securityhub, cloudwatch, webhook or falcosidekick; empty of one that is in the books and no longer in the configuration. */
  kind: string;
  name: string;
  /** When the oldest notice that waits was made. */
  oldest?: string;
  owed: number;
  /** ok, late (a notice has waited for ten minutes) or failing (the last attempt went wrong) */
  state: "ok" | "late" | "failing";
  waiting: number;
}

export interface SinkBrief {
  dead: number;
  kind: string;
  name: string;
  oldest?: string;
  q: string;
  /** As GET /sinks has it. */
  state: "ok" | "late" | "failing";
  waiting: number;
}

export interface SinkList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Sink[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface SinkTest {
  /** Of the notice; GET /notices?q=id: says what became of it. */
  id: string;
}

export interface Source {
  /** That send by it. */
  accounts: SourceAccount[];
  broken: number;
  error?: string;
  error_at?: string;
  findings: number;
  judged: number;
  kept: number;
  /** sqs, bucket, folder, push, sns, eventbridge or falco; empty of one that is in the books and no longer in the configuration. */
  kind: string;
  /** How long the oldest that waits has waited, at the source or with us. */
  lag_s: number;
  last_event?: string;
  name: string;
  objects: number;
  objects_done: number;
  oldest?: string;
  /** Calls of this program itself. */
  own: number;
  /** Messages that wait at the source, where that is known. */
  queued?: number;
  received: number;
  repeats: number;
  /** ok, late (something waits longer than the configured lateness), silent (every account has been quiet longer than it ever is), failing (the last attempt to receive went wrong) or waiting (nothing came yet) */
  state: "ok" | "late" | "silent" | "failing" | "waiting";
  /** Records that were received and are not judged. */
  waiting: number;
}

export interface SourceAccount {
  id: string;
  /** When something came last. */
  last?: string;
  name?: string;
  /** It has been quiet longer than it ever is. */
  silent?: boolean;
}

export interface SourceBrief {
  error?: string;
  kind: string;
  lag_s: number;
  last_event?: string;
  name: string;
  q: string;
  /** As GET /sources has it. */
  state: "ok" | "late" | "silent" | "failing" | "waiting";
  waiting: number;
}

export interface SourceList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Source[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export type Status = "open" | "acknowledged" | "closed";

export interface Suppression {
  by?: string;
  created?: string;
  id: string;
  issue?: string;
  /** made (in the console), policy (a clause of the team's policy) or issue (somebody suppressed one issue) */
  kind: "made" | "policy" | "issue";
  /** file:line:column of the clause */
  place?: string;
  /** What it holds for, in the grammar of lists. */
  q?: string;
  reason: string;
  rule?: string;
  /** active or ended */
  state: "active" | "ended";
  /** Of the rule, or of the issue. */
  title?: string;
  title_ja?: string;
  until: string;
  /** What it holds for, as the policy has it. */
  when?: string;
}

export interface SuppressionIn {
  /** In the grammar of the list of issues: rule:"…" account:1234. */
  q?: string;
  reason: string;
  /** The id of a rule. */
  rule?: string;
  /** At most a year from now. */
  until: string;
}

export interface SuppressionList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Suppression[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface SuppressionReplay {
  /** Of them, those that told nobody anyhow. */
  already: number;
  /** Findings that would have been quiet. */
  by_severity: Record<string, number>;
  causes: ReplayedNumbers;
  cut?: boolean;
  /** Issues of findings that would have been quiet; the first hundred. */
  issues: string[];
  /** Findings that were looked at. */
  judged: number;
  /** Findings that would have told nobody. */
  quiet: number;
  rules: ReplayedRule[];
  sinks: ReplayedSink[];
  /** The condition, as the policy has it. */
  when: string;
}

export interface SuppressionTrial {
  from?: string;
  q?: string;
  rule?: string;
  to?: string;
}

export interface TOTP {
  secret: string;
  /** For a QR code. */
  uri: string;
}

export interface TeamFile {
  etag: string;
  /** Where it stands, or will. */
  file: string;
  /** There is no file yet. */
  fresh: boolean;
  name: "accounts" | "notifications";
  /** Where there is no file yet, one to begin with that says nothing. */
  text: string;
}

export interface TeamFileChecked {
  problems: TeamFileProblem[];
  /** It cannot hold as it is. */
  refused: boolean;
}

export interface TeamFileProblem {
  column: number;
  hint?: string;
  line: number;
  reason: string;
  reason_ja?: string;
  warning?: boolean;
}

export interface TeamFileText {
  text: string;
}

export interface Ticket {
  ref: string;
  sink: string;
  url?: string;
}

export interface Token {
  bindings: Binding[];
  certificate?: string;
  created: string;
  created_by: string;
  expires: string;
  id: string;
  name: string;
  revoked?: string;
  used?: string;
}

export interface TokenList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: Token[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface Total {
  /** false: there are more than n. */
  exact: boolean;
  n: number;
}

export interface User {
  bindings: Binding[];
  created: string;
  disabled?: boolean;
  display: string;
  email?: string;
  groups?: string[];
  id: string;
  lang?: "en" | "ja";
  name: string;
  pinned?: boolean;
  signed_in?: string;
  subject?: string;
  theme?: "dark" | "light" | "system";
  totp?: boolean;
  version: number;
  via: string;
  zone?: string;
}

export interface UserList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: User[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface UserPage {
  bindings: Binding[];
  created: string;
  disabled?: boolean;
  display: string;
  email?: string;
  groups?: string[];
  id: string;
  lang?: "en" | "ja";
  name: string;
  pinned?: boolean;
  signed_in?: string;
  subject?: string;
  theme?: "dark" | "light" | "system";
  totp?: boolean;
  version: number;
  via: string;
  zone?: string;
}

export interface Usual {
  asked?: string;
  before?: string;
  count: number;
  days: number;
  entity: Entity;
  first: boolean;
  known_days: number;
  last?: string;
  learning: boolean;
  of: string;
  peers: number;
  peers_with: number;
  rare: boolean;
  since?: string;
  text?: string;
  total: number;
  unknown?: string;
  value: string;
}

export interface ViewIn {
  list: string;
  name: string;
  query: string;
  /** Everybody sees it. */
  shared?: boolean;
  sort?: string;
}

export interface ViewPage {
  created: string;
  id: string;
  list: string;
  mine: boolean;
  name: string;
  owner: string;
  query: string;
  shared?: boolean;
  sort?: string;
  updated: string;
}

export interface ViewPageList {
  /** Only the newest of what the list is made of were looked at: what lies before is missing, and numbers are of what was. */
  cut?: boolean;
  items: ViewPage[];
  /** The cursor of the page behind; absent at the end. */
  next?: string;
  /** Where total=1 asked for it. */
  total?: Total;
}

export interface Visit {
  previous?: string;
}

export interface Why {
  actual: string;
  field: string;
  op: string;
  value: string;
}

export interface Words {
  en?: string;
  ja?: string;
}

/** Operations are what every operation takes and answers, by its id. */
export interface Operations {
  /** Accounts, with how much there is of each */
  listAccounts: {
    method: "GET";
    path: "/accounts";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: AccountList;
  };
  /** The audit trail */
  listAudit: {
    method: "GET";
    path: "/audit";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: AuditList;
  };
  /** Whether the audit trail is as it was written */
  checkAudit: {
    method: "GET";
    path: "/audit/check";
    query: Record<string, never>;
    body: undefined;
    answer: AuditCheck;
  };
  /** Which techniques the rules look for */
  getCoverage: {
    method: "GET";
    path: "/coverage";
    query: Record<string, never>;
    body: undefined;
    answer: Coverage;
  };
  /** Records that could not be decoded or judged */
  listDeadLetters: {
    method: "GET";
    path: "/dead-letters";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: DeadLetterList;
  };
  /** One of them, with its bytes */
  getDeadLetter: {
    method: "GET";
    path: "/dead-letters/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: DeadLetterBytes;
  };
  /** Judge one of them again */
  retryDeadLetter: {
    method: "POST";
    path: "/dead-letters/{id}/retry";
    query: Record<string, never>;
    body: undefined;
    answer: DeadLetterRetried;
  };
  /** Runbooks and the handbook */
  listDocuments: {
    method: "GET";
    path: "/documents";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: DocumentList;
  };
  /** What is doubtful in the text of a document */
  checkDocument: {
    method: "POST";
    path: "/documents/check";
    query: Record<string, never>;
    body: DocumentTrial;
    answer: DocumentChecked;
  };
  /** Delete a document */
  deleteDocument: {
    method: "DELETE";
    path: "/documents/{path}";
    query: Record<string, never>;
    body: undefined;
    answer: undefined;
  };
  /** One document, with its text */
  getDocument: {
    method: "GET";
    path: "/documents/{path}";
    query: Record<string, never>;
    body: undefined;
    answer: DocumentText;
  };
  /** Write a document: over the version of If-Match, or a new one (If-None-Match: *) */
  putDocument: {
    method: "PUT";
    path: "/documents/{path}";
    query: Record<string, never>;
    body: DocumentBody;
    answer: DocumentText;
  };
  /** Who and what issues are about */
  listEntities: {
    method: "GET";
    path: "/entities";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: EntityRowList;
  };
  /** What is known of an entity */
  getEntity: {
    method: "GET";
    path: "/entities/{type}/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: EntityPage;
  };
  /** What hangs together around an entity */
  getEntityGraph: {
    method: "GET";
    path: "/entities/{type}/{id}/graph";
    query: {
      /** Steps from the entity: 1 to 3, usually 1. */
      depth?: number;
    };
    body: undefined;
    answer: Graph;
  };
  /** The records of the lake */
  listEvents: {
    method: "GET";
    path: "/events";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: EventList;
  };
  /** One record of the lake, as it was received */
  getEvent: {
    method: "GET";
    path: "/events/{key}";
    query: {
      /** When it happened: with it one day is searched, and not the whole lake. */
      time?: string;
      /** Its format, where it is known. */
      format?: string;
    };
    body: undefined;
    answer: EventPage;
  };
  /** Findings */
  listFindings: {
    method: "GET";
    path: "/findings";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: FindingRowList;
  };
  /** One finding, with its raw events */
  getFinding: {
    method: "GET";
    path: "/findings/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: FindingPage;
  };
  /** Ask the lake */
  hunt: {
    method: "POST";
    path: "/hunt";
    query: Record<string, never>;
    body: HuntAsk;
    answer: HuntResult;
  };
  /** What is wrong with a question */
  checkHunt: {
    method: "POST";
    path: "/hunt/check";
    query: Record<string, never>;
    body: HuntAsk;
    answer: HuntChecked;
  };
  /** What may be written at a place of a question */
  completeHunt: {
    method: "POST";
    path: "/hunt/complete";
    query: Record<string, never>;
    body: HuntPlace;
    answer: HuntCompletion;
  };
  /** Ask the lake and save the rows */
  exportHunt: {
    method: "POST";
    path: "/hunt/export";
    query: {
      /** csv or jsonl. */
      format?: string;
    };
    body: HuntAsk;
    answer: string;
  };
  /** What one asked last */
  listHuntHistory: {
    method: "GET";
    path: "/hunt/history";
    query: Record<string, never>;
    body: undefined;
    answer: HuntPastList;
  };
  /** Tables that can be asked, with their columns */
  listHuntTables: {
    method: "GET";
    path: "/hunt/tables";
    query: Record<string, never>;
    body: undefined;
    answer: HuntTableList;
  };
  /** Saved hunts */
  listHunts: {
    method: "GET";
    path: "/hunts";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: SavedHuntList;
  };
  /** Save a hunt */
  addHunt: {
    method: "POST";
    path: "/hunts";
    query: Record<string, never>;
    body: SavedHunt;
    answer: SavedHunt;
  };
  /** Forget a saved hunt */
  deleteHunt: {
    method: "DELETE";
    path: "/hunts/{name}";
    query: Record<string, never>;
    body: undefined;
    answer: undefined;
  };
  /** One saved hunt */
  getHunt: {
    method: "GET";
    path: "/hunts/{name}";
    query: Record<string, never>;
    body: undefined;
    answer: SavedHunt;
  };
  /** Change a saved hunt */
  setHunt: {
    method: "PUT";
    path: "/hunts/{name}";
    query: Record<string, never>;
    body: SavedHunt;
    answer: SavedHunt;
  };
  /** Make a rule of a saved hunt */
  scheduleHunt: {
    method: "POST";
    path: "/hunts/{name}/schedule";
    query: Record<string, never>;
    body: HuntSchedule;
    answer: Rule;
  };
  /** Issues */
  listIssues: {
    method: "GET";
    path: "/issues";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: IssueList;
  };
  /** Change many issues alike */
  changeIssues: {
    method: "POST";
    path: "/issues/changes";
    query: Record<string, never>;
    body: {
      change: ChangeIn;
      /** At most 500. */
      ids: string[];
    };
    answer: Outcomes;
  };
  /** How many issues have which value */
  countIssues: {
    method: "GET";
    path: "/issues/counts";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: IssueCounts;
  };
  /** One issue */
  getIssue: {
    method: "GET";
    path: "/issues/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: IssuePage;
  };
  /** Change an issue */
  changeIssue: {
    method: "POST";
    path: "/issues/{id}/changes";
    query: Record<string, never>;
    body: ChangeIn;
    answer: Changed;
  };
  /** The raw events of an issue's findings */
  listIssueEvents: {
    method: "GET";
    path: "/issues/{id}/events";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: EventMatchList;
  };
  /** Everything about an issue in one archive, with check sums */
  getEvidence: {
    method: "GET";
    path: "/issues/{id}/evidence";
    query: Record<string, never>;
    body: undefined;
    answer: string;
  };
  /** The findings of an issue */
  listIssueFindings: {
    method: "GET";
    path: "/issues/{id}/findings";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: FindingRowList;
  };
  /** What hangs together around an issue */
  getIssueGraph: {
    method: "GET";
    path: "/issues/{id}/graph";
    query: {
      /** Steps from the issue: 1 to 3, usually 1. */
      depth?: number;
    };
    body: undefined;
    answer: Graph;
  };
  /** Who was told of an issue */
  listIssueNotices: {
    method: "GET";
    path: "/issues/{id}/notices";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: NoticeList;
  };
  /** Issues of the same actor, and similar ones */
  getRelated: {
    method: "GET";
    path: "/issues/{id}/related";
    query: Record<string, never>;
    body: undefined;
    answer: Related;
  };
  /** What happened to an issue */
  listTimeline: {
    method: "GET";
    path: "/issues/{id}/timeline";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: EntryList;
  };
  /** The books: what was received, judged, owed and delivered */
  getLedger: {
    method: "GET";
    path: "/ledger";
    query: Record<string, never>;
    body: undefined;
    answer: Ledger;
  };
  /** What every list can be asked */
  listLists: {
    method: "GET";
    path: "/lists";
    query: Record<string, never>;
    body: undefined;
    answer: ListDocs;
  };
  /** Change one's own preferences */
  changeMe: {
    method: "PATCH";
    path: "/me";
    query: Record<string, never>;
    body: {
      display?: string;
      lang?: "en" | "ja" | "";
      theme?: "dark" | "light" | "system" | "";
      /** IANA name; empty is the browser's. */
      zone?: string;
    };
    answer: UserPage;
  };
  /** Change one's own password */
  changePassword: {
    method: "POST";
    path: "/me/password";
    query: Record<string, never>;
    body: {
      new: string;
      old: string;
    };
    answer: undefined;
  };
  /** One's own sessions */
  listMySessions: {
    method: "GET";
    path: "/me/sessions";
    query: Record<string, never>;
    body: undefined;
    answer: SessionRowList;
  };
  /** End one of one's own sessions */
  endMySession: {
    method: "DELETE";
    path: "/me/sessions/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: undefined;
  };
  /** Turn the second factor off */
  removeTotp: {
    method: "DELETE";
    path: "/me/totp";
    query: Record<string, never>;
    body: {
      password: string;
    };
    answer: undefined;
  };
  /** Begin with a second factor */
  startTotp: {
    method: "POST";
    path: "/me/totp";
    query: Record<string, never>;
    body: undefined;
    answer: TOTP;
  };
  /** Turn the second factor on with its first code */
  confirmTotp: {
    method: "PUT";
    path: "/me/totp";
    query: Record<string, never>;
    body: {
      code: string;
    };
    answer: Recovery;
  };
  /** Mark that one has looked */
  visit: {
    method: "PUT";
    path: "/me/visit";
    query: Record<string, never>;
    body: undefined;
    answer: Visit;
  };
  /** What is owed to sinks, and was */
  listNotices: {
    method: "GET";
    path: "/notices";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: NoticeList;
  };
  /** Have a dead notice delivered again */
  retryNotice: {
    method: "POST";
    path: "/notices/{id}/retry";
    query: Record<string, never>;
    body: undefined;
    answer: NoticeRetried;
  };
  /** The description of this API */
  describe: {
    method: "GET";
    path: "/openapi.json";
    query: Record<string, never>;
    body: undefined;
    answer: unknown;
  };
  /** How the watch does */
  getOverview: {
    method: "GET";
    path: "/overview";
    query: {
      /** What new_since counts from; usually 24 hours ago. */
      since?: string;
    };
    body: undefined;
    answer: Overview;
  };
  /** The severity policy */
  getPolicy: {
    method: "GET";
    path: "/policy";
    query: Record<string, never>;
    body: undefined;
    answer: PolicyText;
  };
  /** Have another policy hold */
  putPolicy: {
    method: "PUT";
    path: "/policy";
    query: Record<string, never>;
    body: PolicyPut;
    answer: PolicyText;
  };
  /** What is wrong with a policy */
  checkPolicy: {
    method: "POST";
    path: "/policy/check";
    query: Record<string, never>;
    body: PolicyIn;
    answer: PolicyChecked;
  };
  /** What stored findings would come to by another policy */
  replayPolicy: {
    method: "POST";
    path: "/policy/replay";
    query: Record<string, never>;
    body: PolicyTrial;
    answer: Replayed;
  };
  /** Policies that held before */
  listPolicyVersions: {
    method: "GET";
    path: "/policy/versions";
    query: Record<string, never>;
    body: undefined;
    answer: PolicyVersionList;
  };
  /** One of them, with its text */
  getPolicyVersion: {
    method: "GET";
    path: "/policy/versions/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: PolicyVersion;
  };
  /** What is wrong with a query */
  checkQuery: {
    method: "GET";
    path: "/query/check";
    query: {
      /** Name of the list. */
      list?: string;
      q?: string;
    };
    body: undefined;
    answer: QueryCheck;
  };
  /** What may be written at a place of a query */
  completeQuery: {
    method: "GET";
    path: "/query/complete";
    query: {
      /** Name of the list. */
      list?: string;
      q?: string;
      /** Where somebody writes, in bytes of q. */
      at?: number;
    };
    body: undefined;
    answer: Completion;
  };
  /** The rules that are loaded, and those that were refused */
  listRules: {
    method: "GET";
    path: "/rules";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: RuleList;
  };
  /** What a rule would find in stored events */
  testRule: {
    method: "POST";
    path: "/rules/test";
    query: Record<string, never>;
    body: RuleTrial;
    answer: RuleTried;
  };
  /** Delete a rule of one's own */
  deleteRule: {
    method: "DELETE";
    path: "/rules/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: undefined;
  };
  /** One rule, with its text */
  getRule: {
    method: "GET";
    path: "/rules/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: RuleText;
  };
  /** Switch a rule on or off, or change how its findings count */
  tuneRule: {
    method: "PATCH";
    path: "/rules/{id}";
    query: Record<string, never>;
    body: RuleTuning;
    answer: RuleText;
  };
  /** Write the file of a rule of one's own */
  putRule: {
    method: "PUT";
    path: "/rules/{id}";
    query: Record<string, never>;
    body: RuleFile;
    answer: RuleText;
  };
  /** Things by words or a pasted value, for the palette */
  search: {
    method: "GET";
    path: "/search";
    query: {
      /** Words, or anything pasted: an ARN, an address, a name, an id. */
      q?: string;
    };
    body: undefined;
    answer: Hits;
  };
  /** Who calls, and what may be done */
  getSession: {
    method: "GET";
    path: "/session";
    query: Record<string, never>;
    body: undefined;
    answer: SessionPage;
  };
  /** All sessions */
  listSessions: {
    method: "GET";
    path: "/sessions";
    query: Record<string, never>;
    body: undefined;
    answer: SessionRowList;
  };
  /** End a session */
  endSession: {
    method: "DELETE";
    path: "/sessions/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: undefined;
  };
  /** The configuration that holds, without secrets */
  getSettings: {
    method: "GET";
    path: "/settings";
    query: Record<string, never>;
    body: undefined;
    answer: Settings;
  };
  /** Make the first admin, or set the password of an invitation */
  setUp: {
    method: "POST";
    path: "/setup";
    query: Record<string, never>;
    body: {
      display?: string;
      /** Of the set-up link, or of an invitation. */
      key: string;
      name?: string;
      password: string;
    };
    answer: SignedIn;
  };
  /** How one may sign in */
  getOffer: {
    method: "GET";
    path: "/sign-in";
    query: Record<string, never>;
    body: undefined;
    answer: Offer;
  };
  /** Sign in with a password */
  signIn: {
    method: "POST";
    path: "/sign-in";
    query: Record<string, never>;
    body: {
      /** Of the second factor, or a recovery code. */
      code?: string;
      name: string;
      password: string;
    };
    answer: SignedIn;
  };
  /** End this session */
  signOut: {
    method: "POST";
    path: "/sign-out";
    query: Record<string, never>;
    body: undefined;
    answer: SignedOut;
  };
  /** How people are told */
  listSinks: {
    method: "GET";
    path: "/sinks";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: SinkList;
  };
  /** Send a sink a notice that is only a test */
  testSink: {
    method: "POST";
    path: "/sinks/{name}/test";
    query: Record<string, never>;
    body: undefined;
    answer: SinkTest;
  };
  /** How records come in */
  listSources: {
    method: "GET";
    path: "/sources";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: SourceList;
  };
  /** News, as server-sent events */
  stream: {
    method: "GET";
    path: "/stream";
    query: {
      /** As Last-Event-ID, for clients that cannot set it. */
      last?: string;
    };
    body: undefined;
    answer: string;
  };
  /** What keeps findings quiet */
  listSuppressions: {
    method: "GET";
    path: "/suppressions";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: SuppressionList;
  };
  /** Keep findings quiet until a time */
  suppress: {
    method: "POST";
    path: "/suppressions";
    query: Record<string, never>;
    body: SuppressionIn;
    answer: Suppression;
  };
  /** What a suppression would have kept quiet */
  replaySuppression: {
    method: "POST";
    path: "/suppressions/replay";
    query: Record<string, never>;
    body: SuppressionTrial;
    answer: SuppressionReplay;
  };
  /** Lift a suppression */
  liftSuppression: {
    method: "DELETE";
    path: "/suppressions/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: undefined;
  };
  /** What the team says of its accounts, or of how people are told */
  getTeamFile: {
    method: "GET";
    path: "/team-files/{name}";
    query: Record<string, never>;
    body: undefined;
    answer: TeamFile;
  };
  /** Have another text hold */
  putTeamFile: {
    method: "PUT";
    path: "/team-files/{name}";
    query: Record<string, never>;
    body: TeamFileText;
    answer: TeamFile;
  };
  /** What is wrong with a text of it */
  checkTeamFile: {
    method: "POST";
    path: "/team-files/{name}/check";
    query: Record<string, never>;
    body: TeamFileText;
    answer: TeamFileChecked;
  };
  /** Tokens of the API */
  listTokens: {
    method: "GET";
    path: "/tokens";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: TokenList;
  };
  /** Make a token */
  addToken: {
    method: "POST";
    path: "/tokens";
    query: Record<string, never>;
    body: {
      bindings: Binding[];
      /** SHA-256 of the client certificate to bind to, or the certificate itself. */
      certificate?: string;
      /** Within a year. */
      expires: string;
      name: string;
    };
    answer: NewToken;
  };
  /** Revoke a token */
  revokeToken: {
    method: "DELETE";
    path: "/tokens/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: undefined;
  };
  /** One token */
  getToken: {
    method: "GET";
    path: "/tokens/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: Token;
  };
  /** Users */
  listUsers: {
    method: "GET";
    path: "/users";
    query: {
      /** The question, in the one grammar of lists: severity:>=high status:open. */
      q?: string;
      /** A sort of the list; - before it turns it round. */
      sort?: string;
      /** The next of the page before. */
      cursor?: string;
      /** Items of a page: 1 to 1000, usually 100. */
      limit?: number;
      /** Count the items: exactly up to 10,000. */
      total?: boolean;
      /** json, csv or jsonl; as Accept. */
      format?: string;
    };
    body: undefined;
    answer: UserList;
  };
  /** Make a user, with a link to set the password */
  addUser: {
    method: "POST";
    path: "/users";
    query: Record<string, never>;
    body: {
      bindings: Binding[];
      display?: string;
      email?: string;
      lang?: "en" | "ja" | "";
      name: string;
    };
    answer: Invited;
  };
  /** Remove a user */
  removeUser: {
    method: "DELETE";
    path: "/users/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: undefined;
  };
  /** One user */
  getUser: {
    method: "GET";
    path: "/users/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: UserPage;
  };
  /** Change a user */
  changeUser: {
    method: "PATCH";
    path: "/users/{id}";
    query: Record<string, never>;
    body: {
      bindings?: Binding[];
      disabled?: boolean;
      display?: string;
      email?: string;
      name?: string;
      /** Keep the bindings whatever the identity provider says. */
      pinned?: boolean;
    };
    answer: UserPage;
  };
  /** Make a link by which a user sets a password anew */
  inviteUser: {
    method: "POST";
    path: "/users/{id}/invite";
    query: Record<string, never>;
    body: undefined;
    answer: Invited;
  };
  /** End all sessions of a user */
  endUserSessions: {
    method: "DELETE";
    path: "/users/{id}/sessions";
    query: Record<string, never>;
    body: undefined;
    answer: Ended;
  };
  /** The sessions of a user */
  listUserSessions: {
    method: "GET";
    path: "/users/{id}/sessions";
    query: Record<string, never>;
    body: undefined;
    answer: SessionRowList;
  };
  /** Lists that people kept */
  listViews: {
    method: "GET";
    path: "/views";
    query: {
      /** Those of one list alone. */
      list?: string;
    };
    body: undefined;
    answer: ViewPageList;
  };
  /** Keep a list */
  addView: {
    method: "POST";
    path: "/views";
    query: Record<string, never>;
    body: ViewIn;
    answer: ViewPage;
  };
  /** Forget a view */
  deleteView: {
    method: "DELETE";
    path: "/views/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: undefined;
  };
  /** One view */
  getView: {
    method: "GET";
    path: "/views/{id}";
    query: Record<string, never>;
    body: undefined;
    answer: ViewPage;
  };
  /** Change a view */
  setView: {
    method: "PUT";
    path: "/views/{id}";
    query: Record<string, never>;
    body: ViewIn;
    answer: ViewPage;
  };
}
