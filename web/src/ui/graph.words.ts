import { words } from "../i18n/words";

export const w = words(
  {
    title: "What hangs together",
    doc: "Click something to show what it hangs together with. Double-click opens it.",
    table: "As a table",
    picture: "As a picture",
    from: "From",
    to: "To",
    how: "How",
    n: "Findings",
    cut: "There is more than is shown.",
    none: "Nothing hangs together with it yet.",
    fit: "Fit",
  },
  {
    title: "つながり",
    doc: "クリックするとつながりを広げます。ダブルクリックで開きます。",
    table: "表で表示",
    picture: "図で表示",
    from: "始点",
    to: "終点",
    how: "関係",
    n: "検出数",
    cut: "表示しきれないつながりがあります。",
    none: "まだつながりはありません。",
    fit: "全体を表示",
  },
);
