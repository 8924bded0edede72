// The one registry of keys: what a component registers works while it is there, and stands on
// the ? sheet. The latest registration of a key wins, so a side panel may take a key of the
// list below it.
import { useEffect, useRef, useSyncExternalStore } from "react";

export interface Key {
  /** "j", "?", "Enter", "mod+k" (⌘ on a Mac, Ctrl elsewhere) or a sequence "g i". */
  keys: string;
  label: string;
  group: string;
  run: () => void;
  /** It works in fields of text too. */
  always?: boolean;
}

interface Entry {
  id: number;
  list: Key[];
}

let entries: Entry[] = [];
let ids = 0;
let sheet: Key[] = [];
const listeners = new Set<() => void>();
let before = "";
let beforeAt = 0;

function changed() {
  const seen = new Set<string>();
  sheet = [];
  for (let i = entries.length - 1; i >= 0; i--)
    for (const k of entries[i]!.list)
      if (!seen.has(k.keys)) {
        seen.add(k.keys);
        sheet.push(k);
      }
  for (const l of listeners) l();
}

/** spell writes a press of a key as the registry does; "" for one that is a modifier alone. */
export function spell(e: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  if (["Shift", "Control", "Meta", "Alt", "Dead", "Process"].includes(e.key)) return "";
  const mod = e.ctrlKey || e.metaKey;
  if (e.altKey) return "";
  const name = e.key === " " ? "Space" : e.key.length === 1 && (mod || !e.shiftKey) ? e.key.toLowerCase() : e.key;
  return (mod ? "mod+" : "") + (e.shiftKey && e.key.length > 1 ? `shift+${name}` : name);
}

/** inText says whether somebody is writing where a key was pressed. */
export function inText(t: EventTarget | null): boolean {
  if (!(t instanceof HTMLElement)) return false;
  if (t.isContentEditable || t.getAttribute("contenteditable") === "true") return true;
  if (t instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit"].includes(t.type);
  return t instanceof HTMLTextAreaElement || t instanceof HTMLSelectElement;
}

const above = "[role=dialog],[role=menu],[role=listbox]";

/** press finds what a pressed key does and does it; it says whether something did. */
export function press(e: KeyboardEvent, now = e.timeStamp): boolean {
  // An input method that composes Japanese owns the keys.
  if (e.defaultPrevented || e.isComposing || e.keyCode === 229) return false;
  const one = spell(e);
  if (one === "") return false;
  const two = before && now - beforeAt < 1200 ? `${before} ${one}` : "";
  before = "";
  // A form or menu that is open has the keys to itself: what lies below it does not move.
  const writing = inText(e.target) || (e.target instanceof HTMLElement && !!e.target.closest(above));
  // Enter and Space on a button or link are the button's.
  if (
    (one === "Enter" || one === "Space") &&
    e.target instanceof HTMLElement &&
    e.target.closest("button,a,[role=menuitem],[role=option],summary")
  )
    return false;
  const find = (keys: string) => sheet.find((k) => k.keys === keys && (!writing || k.always));
  const hit = (two && find(two)) || find(one);
  if (hit) {
    e.preventDefault();
    hit.run();
    return true;
  }
  if (!writing && sheet.some((k) => k.keys.startsWith(`${one} `))) {
    before = one;
    beforeAt = now;
  }
  return false;
}

/** register adds keys until what it returns is called. */
export function register(list: Key[]): () => void {
  const entry = { id: ++ids, list };
  entries = [...entries, entry];
  changed();
  return () => {
    entries = entries.filter((x) => x !== entry);
    changed();
  };
}

/** useKeys registers keys while a component is there; enabled takes them away meanwhile. */
export function useKeys(list: Key[], enabled = true) {
  const latest = useRef(list);
  latest.current = list;
  const shape = JSON.stringify(list.map((k) => [k.keys, k.label, k.group, k.always]));
  useEffect(() => {
    if (!enabled) return;
    return register(latest.current.map((k, i) => ({ ...k, run: () => latest.current[i]?.run() })));
  }, [shape, enabled]);
}

/** useSheet is all that works at the moment. */
export function useSheet(): Key[] {
  return useSyncExternalStore(
    (f) => {
      listeners.add(f);
      return () => listeners.delete(f);
    },
    () => sheet,
  );
}

/** listen begins to hear keys; main calls it once. */
export function listen() {
  window.addEventListener("keydown", (e) => press(e));
}

const mac = /Mac|iPhone|iPad/.test(navigator.platform);

/** show writes keys for people: ["⌘K"], ["g", "i"]. */
export function show(keys: string): string[] {
  const names: Record<string, string> = { Escape: "Esc", ArrowUp: "↑", ArrowDown: "↓", Enter: "↵" };
  return keys.split(" ").map((k) =>
    k
      .split("+")
      .map((p) => (p === "mod" ? (mac ? "⌘" : "Ctrl ") : p === "shift" ? "⇧" : (names[p] ?? p)))
      .join("")
      .replace(/^(⌘|Ctrl )(.)$/, (_, m, c) => m + c.toUpperCase()),
  );
}
