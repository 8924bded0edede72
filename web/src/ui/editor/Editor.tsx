import {
  autocompletion,
  type CompletionContext,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { sql } from "@codemirror/lang-sql";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldKeymap, indentOnInput } from "@codemirror/language";
import { type Diagnostic, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder as placeholderOf,
} from "@codemirror/view";
import { useEffect, useRef } from "react";
import { useScheme } from "../../app/prefs";
import { nonce } from "../../app/theme";
import { kql } from "./kql";
import { look } from "./look";
import { type EditorProblem, place } from "./place";
import "./editor.css";

export type Language = "kql" | "sql" | "yaml" | "text";

/** Offer is what may be written at a place: items that replace the text between two places. */
export interface Offer {
  from: number;
  to: number;
  items: { text: string; kind: string; doc?: string }[];
}

const languages = { kql: () => kql, sql: () => sql(), yaml: () => yaml(), text: () => [] };
const kinds: Record<string, string> = {
  table: "class",
  column: "property",
  operator: "keyword",
  keyword: "keyword",
  function: "function",
  aggregate: "function",
  hunt: "variable",
};

/** Editor writes a text with colours, completion and problems at their place. */
export default function Editor({
  value,
  onChange,
  language,
  label,
  problems = [],
  complete,
  onRun,
  readOnly = false,
  placeholder = "",
  autoFocus = false,
}: {
  value: string;
  onChange?: (text: string) => void;
  language: Language;
  label: string;
  problems?: EditorProblem[];
  /** Places are in UTF-16 units of the text. */
  complete?: (text: string, at: number, signal: AbortSignal) => Promise<Offer | null>;
  /** ⌘↵ or Ctrl ↵. */
  onRun?: () => void;
  readOnly?: boolean;
  placeholder?: string;
  autoFocus?: boolean;
}) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef({ onChange, complete, onRun });
  latest.current = { onChange, complete, onRun };
  const dark = useScheme() === "dark";
  const parts = useRef({ look: new Compartment(), language: new Compartment(), read: new Compartment() });

  // The editor is made once; what changes about it is handed to it below.
  useEffect(() => {
    const p = parts.current;
    const v = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          EditorView.cspNonce.of(nonce()),
          Prec.highest(
            keymap.of([
              { key: "Mod-Enter", run: () => (latest.current.onRun?.(), latest.current.onRun !== undefined) },
            ]),
          ),
          lineNumbers(),
          highlightActiveLineGutter(),
          highlightActiveLine(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          highlightSelectionMatches(),
          autocompletion({ override: [(c) => offer(c, latest.current.complete)], icons: false }),
          keymap.of([
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...defaultKeymap,
            ...searchKeymap,
            ...historyKeymap,
            ...foldKeymap,
            ...lintKeymap,
            // Tab indents, and leaves the editor after Escape: nobody is caught in it.
            indentWithTab,
          ]),
          EditorView.contentAttributes.of({
            "aria-label": label,
            tabindex: "0",
            spellcheck: "false",
            autocapitalize: "off",
          }),
          EditorView.lineWrapping,
          placeholderOf(placeholder),
          p.look.of(look(dark)),
          p.language.of(languages[language]()),
          p.read.of(EditorState.readOnly.of(readOnly)),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) latest.current.onChange?.(u.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = v;
    if (autoFocus) v.focus();
    return () => v.destroy();
  }, []);

  useEffect(() => {
    const v = view.current;
    if (v && v.state.doc.toString() !== value)
      v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: value } });
  }, [value]);
  useEffect(() => view.current?.dispatch({ effects: parts.current.look.reconfigure(look(dark)) }), [dark]);
  useEffect(
    () => view.current?.dispatch({ effects: parts.current.language.reconfigure(languages[language]()) }),
    [language],
  );
  useEffect(
    () => view.current?.dispatch({ effects: parts.current.read.reconfigure(EditorState.readOnly.of(readOnly)) }),
    [readOnly],
  );
  const shape = JSON.stringify(problems);
  useEffect(() => {
    const v = view.current;
    if (!v) return;
    const text = v.state.doc.toString();
    const list = (JSON.parse(shape) as EditorProblem[]).map((p): Diagnostic => {
      const { from, to } = place(text, p);
      return {
        from,
        to,
        severity: p.warning ? "warning" : "error",
        message: p.hint ? `${p.message} — ${p.hint}` : p.message,
      };
    });
    v.dispatch(setDiagnostics(v.state, list));
  }, [shape]);

  return <div className="editor" ref={host} />;
}

async function offer(
  c: CompletionContext,
  ask: ((text: string, at: number, signal: AbortSignal) => Promise<Offer | null>) | undefined,
) {
  if (!ask || (!c.explicit && !/[\w.|,(\s]/.test(c.state.sliceDoc(c.pos - 1, c.pos)))) return null;
  const stop = new AbortController();
  c.addEventListener("abort", () => stop.abort(), { onDocChange: true });
  const o = await ask(c.state.doc.toString(), c.pos, stop.signal).catch(() => null);
  if (!o || o.items.length === 0) return null;
  return {
    from: o.from,
    to: o.to,
    options: o.items.map((i) => ({
      label: i.text,
      type: kinds[i.kind] ?? "text",
      detail: i.kind,
      info: i.doc || undefined,
    })),
    validFor: /^[\w-]*$/,
  };
}
