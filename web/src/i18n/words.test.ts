import { describe, expect, it } from "vitest";
import { core } from "./core";
import type { Catalogue } from "./words";

// All catalogues of the console: a room of words is a module that exports a pair of languages.
const found = Object.entries(
  import.meta.glob<Record<string, unknown>>(["../**/*words.ts", "!./words.ts"], { eager: true }),
).flatMap(([file, m]) =>
  Object.values(m).flatMap((c): [string, Catalogue<unknown>][] =>
    c && typeof c === "object" && "en" in c && "ja" in c ? [[file, c as Catalogue<unknown>]] : [],
  ),
);
const all: [string, Catalogue<unknown>][] = [["core", core as Catalogue<unknown>], ...found];

function walk(en: unknown, ja: unknown, path: string, see: (path: string, en: string, ja: string) => void) {
  if (typeof en === "string") see(path, en, String(ja));
  else if (typeof en === "function") {
    // Words with numbers and names in them are asked with one that stands out.
    const args = Array.from({ length: en.length }, () => "7");
    see(path, String(en(...args)), String((ja as typeof en)(...args)));
  } else
    for (const k of Object.keys(en as object))
      walk((en as Record<string, unknown>)[k], (ja as Record<string, unknown>)[k], `${path}.${k}`, see);
}

// Words that are the same in both languages: names, and what Japanese writes in Latin letters.
// Examples of queries and of names for machines are the same, too.
const same =
  /^(events\n[\s\S]*|[a-z]+(-[a-z]+)+|Yagura|ATT&CK|ID|Id|IP|English|日本語|KQL|SQL|JSON|JSON Lines|YAML|CSV|SAML|OIDC|TOTP|URL|[\d\s.,%:/()–-]*)$/;

describe.each(all)("words of %s", (file, c) => {
  it("are there in both languages, and not the same", () => {
    const bad: string[] = [];
    walk(c.en, c.ja, file, (path, en, ja) => {
      if (en === "" || ja === "") {
        if (en !== ja) bad.push(`${path}: "${en}" / "${ja}"`);
      } else if (en === ja && !same.test(en)) bad.push(`${path}: ${en}`);
    });
    expect(bad).toEqual([]);
  });
  it("carry what they are given in both languages", () => {
    const bad: string[] = [];
    walk(c.en, c.ja, file, (path, en, ja) => {
      if (en.includes("7") !== ja.includes("7")) bad.push(`${path}: "${en}" / "${ja}"`);
    });
    expect(bad).toEqual([]);
  });
  it("do not write English letters where Japanese ones belong", () => {
    const bad: string[] = [];
    walk(c.en, c.ja, file, (path, en, ja) => {
      // A word of five small letters in a row without any Japanese beside it was forgotten.
      if (/[a-z]{5}/.test(ja) && !/[\u3040-\u30ff\u3400-\u9fff]/.test(ja) && !same.test(ja) && en !== ja)
        bad.push(`${path}: ${ja}`);
    });
    expect(bad).toEqual([]);
  });
});
