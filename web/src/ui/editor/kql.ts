// The Kusto Query Language for the eye: words, texts, numbers, comments. What a question means
// and what is wrong with it is the server's to say; there is one parser.
import { StreamLanguage, type StringStream } from "@codemirror/language";

const operators = new Set(
  "as by consume count datatable distinct evaluate extend externaldata facet find fork getschema graph-match invoke join kind let limit lookup make-series materialize mv-apply mv-expand on parse parse-where partition print project project-away project-keep project-rename project-reorder range reduce render sample sample-distinct scan search serialize set sort order summarize take top top-hitters top-nested union where with asc desc nulls first last step from to in default".split(
    " ",
  ),
);
const words = new Set(
  "and or not contains contains_cs startswith startswith_cs endswith endswith_cs has has_cs has_any has_all hasprefix hassuffix between matches regex !in in~ !in~ !has !contains !startswith !endswith !between".split(
    " ",
  ),
);
const atoms = new Set(
  "true false null dynamic datetime timespan string int long real decimal bool guid typeof".split(" "),
);

interface State {
  /** The text that goes on over lines: ``` or ~~~. */
  fence: string;
  /** The word before was |, so the next is an operator. */
  pipe: boolean;
}

function token(s: StringStream, st: State): string | null {
  if (st.fence) {
    if (s.skipTo(st.fence)) {
      s.match(st.fence);
      st.fence = "";
    } else s.skipToEnd();
    return "string";
  }
  if (s.eatSpace()) return null;
  if (s.match("//")) {
    s.skipToEnd();
    return "comment";
  }
  const fence = s.match(/^(```|~~~)/) as RegExpMatchArray | null;
  if (fence) {
    st.fence = fence[0];
    return "string";
  }
  if (s.match(/^[hH]?@"(?:[^"]|"")*"?/) || s.match(/^[hH]?@'(?:[^']|'')*'?/)) return "string";
  if (s.match(/^[hH]?"(?:[^"\\]|\\.)*"?/) || s.match(/^[hH]?'(?:[^'\\]|\\.)*'?/)) return "string";
  if (s.match(/^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:d|h|m|s|ms|us|microsecond|tick)?\b/)) return "number";
  if (s.match(/^[!]?[A-Za-z_$][\w-]*~?/)) {
    let w = s.current();
    // A hyphen belongs to the names of operators alone: a-b is a difference.
    if (w.includes("-") && !operators.has(w)) {
      s.backUp(w.length - w.indexOf("-"));
      w = s.current();
    }
    const first = st.pipe;
    st.pipe = false;
    if (first && operators.has(w)) return "keyword";
    if (words.has(w.toLowerCase())) return "operatorKeyword";
    if (s.match(/^\s*\(/, false)) return atoms.has(w) ? "typeName" : "variableName.function";
    if (operators.has(w)) return "keyword";
    if (atoms.has(w)) return "atom";
    return "variableName";
  }
  const c = s.next();
  if (c === "|") {
    st.pipe = true;
    return "operator";
  }
  return c && /[=<>!+\-*/%~.,;:()[\]{}]/.test(c) ? "operator" : null;
}

/** kql colours questions in KQL. */
export const kql = StreamLanguage.define<State>({
  name: "kql",
  startState: () => ({ fence: "", pipe: false }),
  copyState: (s) => ({ ...s }),
  token,
  languageData: { commentTokens: { line: "//" }, closeBrackets: { brackets: ["(", "[", "{", "'", '"'] } },
  tokenTable: undefined,
});
