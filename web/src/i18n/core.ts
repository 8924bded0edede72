import { en } from "./en";
import { ja } from "./ja";
import { useWords, words } from "./words";

export const core = words(en, ja);

/** useCore returns the words that every page shares. */
export const useCore = () => useWords(core);
