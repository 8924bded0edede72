// What somebody prefers of the page itself: language, theme, time zone. It is kept in the
// browser, so that the page is right before anybody has signed in, and in the account.
import { useSyncExternalStore } from "react";

export type Theme = "dark" | "light" | "system";

export interface Prefs {
  lang: "en" | "ja";
  theme: Theme;
  /** IANA name; "" is the browser's zone. */
  zone: string;
  /** The navigation shows icons alone. */
  narrow?: boolean;
}

const KEY = "yagura.prefs";
const listeners = new Set<() => void>();

function read(): Prefs {
  let kept: Partial<Prefs> = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    // Something else is kept there, or nothing may be kept: begin with what the browser says.
  }
  return {
    lang: kept.lang ?? (/^ja\b/.test(navigator.language) ? "ja" : "en"),
    theme: kept.theme ?? "system",
    zone: kept.zone ?? "",
    narrow: kept.narrow,
  };
}

let current = read();

const light = () => window.matchMedia("(prefers-color-scheme: light)");

/** scheme is the theme that a preference means now. */
export function scheme(theme: Theme): "dark" | "light" {
  if (theme !== "system") return theme;
  return light().matches ? "light" : "dark";
}

function paint() {
  document.documentElement.dataset.mantineColorScheme = scheme(current.theme);
  document.documentElement.lang = current.lang;
}

light().addEventListener("change", () => {
  paint();
  for (const l of listeners) l();
});

/** setPrefs changes some preferences. */
export function setPrefs(change: Partial<Prefs>) {
  const next = { ...current, ...change };
  if (JSON.stringify(next) === JSON.stringify(current)) return;
  current = next;
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // A browser that keeps nothing keeps the preference until the page goes.
  }
  paint();
  for (const l of listeners) l();
}

export function getPrefs(): Prefs {
  return current;
}

function subscribe(f: () => void) {
  listeners.add(f);
  return () => listeners.delete(f);
}

export function usePrefs(): Prefs {
  return useSyncExternalStore(subscribe, getPrefs);
}

export function useLang(): "en" | "ja" {
  return usePrefs().lang;
}

/** useScheme is the theme as it is painted, for what cannot read it from the style sheet. */
export function useScheme(): "dark" | "light" {
  return useSyncExternalStore(subscribe, () => scheme(current.theme));
}
