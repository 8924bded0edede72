/** EditorProblem is what is wrong with a text, at a line and a column from 1. */
export interface EditorProblem {
  line: number;
  column: number;
  endLine?: number;
  endColumn?: number;
  message: string;
  hint?: string;
  warning?: boolean;
}

/** place finds a problem in the text. A problem without an end is about the word there. */
export function place(
  text: string,
  p: Pick<EditorProblem, "line" | "column" | "endLine" | "endColumn">,
): { from: number; to: number } {
  const from = at(text, p.line, p.column);
  if (p.endLine && p.endColumn) return { from, to: Math.max(from, at(text, p.endLine, p.endColumn)) };
  const word = /^[\p{L}\p{N}_$.-]+|^[^\n]/u.exec(text.slice(from))?.[0] ?? "";
  if (word === "" && from > 0 && text[from - 1] !== "\n") return { from: from - 1, to: from };
  return { from, to: from + word.length };
}

/** at is the place of a line and a column, which counts characters and not UTF-16 units. */
function at(text: string, line: number, column: number): number {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf("\n", start);
    if (next < 0) return text.length;
    start = next + 1;
  }
  let end = text.indexOf("\n", start);
  if (end < 0) end = text.length;
  const before = [...text.slice(start, end)].slice(0, Math.max(0, column - 1)).join("");
  return start + before.length;
}
