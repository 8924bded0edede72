// The words of the console. A room of words is two objects of the same shape, English and
// Japanese: what the Japanese one lacks does not compile. There are no keys in text form, so
// an untranslated key cannot reach a page.
import { useLang } from "../app/prefs";

export type Lang = "en" | "ja";

/** Words<typeof en> is the shape that the other language must have. */
export type Words<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => string
    ? (...args: A) => string
    : T[K] extends string
      ? string
      : Words<T[K]>;
};

export interface Catalogue<T> {
  en: T;
  ja: Words<T>;
}

/** words pairs a catalogue's two languages. */
export function words<T>(en: T, ja: Words<T>): Catalogue<T> {
  return { en, ja };
}

/** useWords returns a catalogue in the language that the page is read in. */
export function useWords<T>(c: Catalogue<T>): Words<T> {
  return useLang() === "ja" ? c.ja : (c.en as Words<T>);
}

/** count writes a number as people of the language do. */
export function count(n: number, lang: Lang): string {
  return new Intl.NumberFormat(lang === "ja" ? "ja-JP" : "en-GB").format(n);
}

/** short writes a large number in few letters: 12.3k, 1.2万. */
export function short(n: number, lang: Lang): string {
  return new Intl.NumberFormat(lang === "ja" ? "ja-JP" : "en-GB", {
    notation: "compact",
    maximumFractionDigits: 1,
  }).format(n);
}
