import { words } from "../../i18n/words";

export const w = words(
  {
    title: "Entities",
    column: {
      type: "Type",
      id: "Entity",
      worst: "Worst open",
      issues: "Issues",
      findings: "Findings",
      accounts: "Accounts",
      first: "First seen",
      last: "Last seen",
    },
    preset: { ip: "Addresses", user: "People", key: "Keys", fresh: "New in 24 hours" },
    cut: "The list is of the newest issues alone: there are more than it looks at. An entity that older issues name is found by pasting it into the search (⌘K).",
    none: "Nobody and nothing was seen yet",
    noneDoc:
      "Whoever and whatever a finding names becomes an entity with a page of its own: users, roles, keys, addresses, resources. Paste any of them into the search (⌘K).",
  },
  {
    title: "エンティティ",
    column: {
      type: "種類",
      id: "エンティティ",
      worst: "未完了の最高",
      issues: "課題",
      findings: "検出結果",
      accounts: "アカウント",
      first: "初回",
      last: "最終",
    },
    preset: { ip: "IP アドレス", user: "人", key: "キー", fresh: "24 時間の新規" },
    cut: "課題が多いため、新しい課題に現れたものだけを表示しています。古い課題だけに現れたものは、検索（⌘K）に貼り付けて探せます。",
    none: "まだ何も観測されていません",
    noneDoc:
      "検出結果に現れた人や物（ユーザー、ロール、キー、アドレス、リソースなど）は、それぞれのページを持ちます。検索（⌘K）に貼り付けて探せます。",
  },
);
