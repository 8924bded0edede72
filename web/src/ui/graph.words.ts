import { words } from "../i18n/words";

export const w = words(
  {
    title: "Connections",
    doc: "A click on a thing shows what it is connected with; a double-click opens it.",
    table: "As a table",
    picture: "As a picture",
    from: "From",
    to: "To",
    how: "How",
    hows: { involves: "involves", actor: "actor" },
    n: "Findings",
    cut: "There is more than is shown.",
    none: "Nothing is connected with it yet.",
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
    hows: { involves: "関与", actor: "実行者" },
    n: "検出数",
    cut: "表示しきれないつながりがあります。",
    none: "まだつながりはありません。",
    fit: "全体を表示",
  },
);
