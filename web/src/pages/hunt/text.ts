import type { Words } from "../../api/types";
import type { Lang } from "../../i18n/words";

/** inLang is a text of two languages in the reader's, or in the one that is there. */
export function inLang(t: Words | undefined, lang: Lang): string {
  return (lang === "ja" ? t?.ja || t?.en : t?.en || t?.ja) ?? "";
}
