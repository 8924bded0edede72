import { expect, test } from "vitest";
import { place } from "./place";

const cut = (text: string, p: Parameters<typeof place>[1]) => {
  const { from, to } = place(text, p);
  return text.slice(from, to);
};

test("a problem is found in its line", () => {
  expect(cut("a\nwhere sevrity == 1\nb", { line: 2, column: 7 })).toBe("sevrity");
  expect(cut("a\n| wher x", { line: 2, column: 3 })).toBe("wher");
  expect(cut("a = (", { line: 1, column: 6 })).toBe("(");
});

test("columns count characters", () => {
  expect(cut("権限👍 == xx", { line: 1, column: 8 })).toBe("xx");
});

test("a place outside of the text is its end", () => {
  expect(place("ab\n", { line: 9, column: 9 })).toEqual({ from: 3, to: 3 });
  expect(place("", { line: 1, column: 1 })).toEqual({ from: 0, to: 0 });
});

test("an end is taken where there is one", () => {
  expect(cut("one two three", { line: 1, column: 5, endLine: 1, endColumn: 8 })).toBe("two");
});
