// How the editor looks: the colours of the page, by its variables, in both themes.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags as t } from "@lezer/highlight";

const highlight = HighlightStyle.define([
  { tag: t.comment, color: "var(--faint)", fontStyle: "italic" },
  { tag: [t.string, t.special(t.string)], color: "var(--good)" },
  { tag: [t.number, t.bool, t.null, t.atom], color: "var(--warn)" },
  { tag: [t.keyword, t.operatorKeyword, t.definitionKeyword, t.modifier], color: "var(--accent)" },
  { tag: [t.function(t.variableName), t.standard(t.variableName)], color: "var(--sev-medium)" },
  { tag: t.typeName, color: "var(--sev-medium)" },
  { tag: [t.propertyName, t.definition(t.propertyName)], color: "var(--accent)" },
  { tag: t.operator, color: "var(--dim)" },
  { tag: t.invalid, color: "var(--bad)" },
]);

/** look is the theme; dark says which of the two it is, for what the editor decides itself. */
export function look(dark: boolean) {
  return [
    EditorView.theme(
      {
        "&": { color: "var(--text)", backgroundColor: "var(--ground)", fontSize: "12.5px", height: "100%" },
        "&.cm-focused": { outline: "none" },
        ".cm-scroller": {
          fontFamily: "var(--mono)",
          lineHeight: "1.55",
          fontVariantLigatures: "none",
          fontFeatureSettings: "normal",
        },
        ".cm-content": { caretColor: "var(--text)", padding: "8px 0" },
        ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)" },
        "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, ::selection":
          {
            backgroundColor: "var(--chosen)",
          },
        ".cm-gutters": { backgroundColor: "var(--ground)", color: "var(--faint)", border: "none", paddingLeft: "4px" },
        ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
        "&.cm-focused .cm-activeLineGutter": { color: "var(--text)" },
        ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": {
          backgroundColor: "transparent",
          outline: "1px solid var(--line-strong)",
        },
        ".cm-tooltip": {
          backgroundColor: "var(--raised)",
          color: "var(--text)",
          border: "1px solid var(--line-strong)",
          borderRadius: "var(--radius)",
          boxShadow: "var(--shadow)",
        },
        ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12px", maxHeight: "16em" },
        ".cm-tooltip-autocomplete > ul > li": { padding: "2px 10px" },
        ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
          backgroundColor: "var(--chosen)",
          color: "var(--text)",
        },
        ".cm-completionDetail": { color: "var(--faint)", fontStyle: "normal", marginLeft: "14px" },
        ".cm-completionMatchedText": { textDecoration: "none", color: "var(--accent)" },
        ".cm-completionInfo": { padding: "6px 10px", maxWidth: "360px", fontSize: "12px" },
        ".cm-diagnostic": { padding: "5px 10px", fontFamily: "var(--font)", fontSize: "12px", borderLeftWidth: "3px" },
        ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
        ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
        ".cm-lintRange-error": {
          backgroundImage: "none",
          textDecoration: "underline wavy var(--bad) 1px",
          textUnderlineOffset: "3px",
        },
        ".cm-lintRange-warning": {
          backgroundImage: "none",
          textDecoration: "underline wavy var(--warn) 1px",
          textUnderlineOffset: "3px",
        },
        ".cm-panels": { backgroundColor: "var(--panel)", color: "var(--text)", borderColor: "var(--line)" },
        ".cm-panel input, .cm-panel button": { fontSize: "12px" },
        ".cm-searchMatch": { backgroundColor: "var(--mark)", color: "var(--mark-text)" },
        ".cm-searchMatch-selected": { outline: "1px solid var(--accent)" },
        ".cm-placeholder": { color: "var(--faint)" },
      },
      { dark },
    ),
    syntaxHighlighting(highlight),
  ];
}
