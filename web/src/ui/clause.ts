// How a rule's condition is said to people. A rule language's own signs (==, has, pmatch) stand
// as they are; Sigma's words become words, and lengths of time lose their zeros.
import type { Lang } from "../i18n/words";

const ops: Record<string, { en: string; ja: string }> = {
  equals: { en: "equals", ja: "一致" },
  "not equals": { en: "does not equal", ja: "不一致" },
  contains: { en: "contains", ja: "含む" },
  "not contains": { en: "does not contain", ja: "含まない" },
  startswith: { en: "starts with", ja: "次で始まる" },
  "not startswith": { en: "does not start with", ja: "次で始まらない" },
  endswith: { en: "ends with", ja: "次で終わる" },
  "not endswith": { en: "does not end with", ja: "次で終わらない" },
  matches: { en: "matches", ja: "パターンに一致" },
  "not matches": { en: "does not match", ja: "パターンに不一致" },
  re: { en: "matches (regex)", ja: "正規表現に一致" },
  "not re": { en: "does not match (regex)", ja: "正規表現に不一致" },
  cidr: { en: "in network", ja: "範囲内" },
  "not cidr": { en: "not in network", ja: "範囲外" },
  in: { en: "one of", ja: "いずれか" },
  "not in": { en: "none of", ja: "いずれでもない" },
  exists: { en: "exists", ja: "ある" },
  "not exists": { en: "does not exist", ja: "ない" },
  "is null": { en: "is absent", ja: "空" },
  "not is null": { en: "is there", ja: "空でない" },
  keyword: { en: "has the word", ja: "語を含む" },
  "not keyword": { en: "lacks the word", ja: "語を含まない" },
  gt: { en: ">", ja: ">" },
  gte: { en: "≥", ja: "≥" },
  lt: { en: "<", ja: "<" },
  lte: { en: "≤", ja: "≤" },
  "not gt": { en: "not >", ja: "> でない" },
  "not gte": { en: "not ≥", ja: "≥ でない" },
  "not lt": { en: "not <", ja: "< でない" },
  "not lte": { en: "not ≤", ja: "≤ でない" },
  "group-by": { en: "the same", ja: "同一" },
  within: { en: "within", ja: "期間内" },
  occurs: { en: "occurs", ja: "発生" },
  "not occurs": { en: "does not occur", ja: "発生していない" },
  says: { en: "says", ja: "内容" },
  more: { en: "and more", ja: "ほか" },
};

/** opWord is an operator in words; one that has none stands as it is. */
export function opWord(op: string, lang: Lang): string {
  return Object.hasOwn(ops, op) ? ops[op]![lang] : op;
}

/** spanWord writes the lengths of time of windows: 24h0m0s is 24h, 2m36s is 2m 36s. */
export function spanWord(s: string): string {
  const m = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)(?:\.\d+)?s)$/.exec(s);
  if (!m) return s;
  const parts = [m[1] && `${m[1]}h`, m[2] && m[2] !== "0" && `${m[2]}m`, m[3] && m[3] !== "0" && `${m[3]}s`];
  return parts.filter(Boolean).join(" ") || "0s";
}
