// Undo instead of "are you sure?": a change is shown at once, held for five seconds and then
// sent. Undo takes it back before anybody has heard of it. A page that goes away sends what it
// holds.
import { useSyncExternalStore } from "react";

export interface Held {
  label: string;
  /** Sends the change. leaving: the page goes, and the request must outlive it. */
  send: (leaving: boolean) => Promise<unknown>;
  /** What is shown as if it had happened: a key ("issue/01J…") and what differs. */
  shows?: { key: string; change: Record<string, unknown> }[];
  /** The change was sent and is done. */
  done?: () => void;
}

export interface Toast {
  id: number;
  label: string;
  kind: "held" | "said" | "error";
  undo?: () => void;
  detail?: string;
}

interface Entry extends Held {
  id: number;
  timer: ReturnType<typeof setTimeout>;
  sent?: boolean;
}

export const holdMs = 5000;

let ids = 0;
let held: Entry[] = [];
let toasts: Toast[] = [];
let overlay = new Map<string, Record<string, unknown>>();
const listeners = new Set<() => void>();

function changed() {
  overlay = new Map();
  for (const h of held) for (const s of h.shows ?? []) overlay.set(s.key, { ...overlay.get(s.key), ...s.change });
  for (const l of listeners) l();
}

function drop(id: number) {
  toasts = toasts.filter((t) => t.id !== id);
}

/** say shows a line for a while. */
export function say(label: string, kind: "said" | "error" = "said", detail?: string) {
  const id = ++ids;
  toasts = [...toasts, { id, label, kind, detail }];
  setTimeout(
    () => {
      drop(id);
      changed();
    },
    kind === "error" ? 10_000 : 3000,
  );
  changed();
}

/** dismiss takes a line away. */
export function dismiss(id: number) {
  drop(id);
  changed();
}

async function send(h: Entry, leaving: boolean) {
  if (h.sent) return;
  h.sent = true;
  clearTimeout(h.timer);
  drop(h.id);
  changed();
  try {
    await h.send(leaving);
    h.done?.();
  } catch (err) {
    say(h.label, "error", err instanceof Error ? err.message : String(err));
  } finally {
    held = held.filter((x) => x !== h);
    changed();
  }
}

/** hold shows a change and sends it in five seconds, unless it is undone. */
export function hold(h: Held): { undo: () => void; flush: () => Promise<void> } {
  const id = ++ids;
  const undo = () => {
    if (entry.sent) return;
    clearTimeout(entry.timer);
    held = held.filter((x) => x !== entry);
    drop(id);
    changed();
  };
  const entry: Entry = { ...h, id, timer: setTimeout(() => void send(entry, false), holdMs) };
  held = [...held, entry];
  toasts = [...toasts, { id, label: h.label, kind: "held", undo }];
  changed();
  return { undo, flush: () => send(entry, false) };
}

/** undoLast takes back the latest change that is still held; it says whether there was one. */
export function undoLast(): boolean {
  const t = toasts.findLast((t) => t.kind === "held");
  t?.undo?.();
  return t !== undefined;
}

/** flush sends all that is held. */
export function flush(leaving: boolean): Promise<unknown> {
  return Promise.all(held.map((h) => send(h, leaving)));
}

/** flushOnLeave sends what is held when the page goes; main calls it once. */
export function flushOnLeave() {
  window.addEventListener("pagehide", () => void flush(true));
}

function subscribe(f: () => void) {
  listeners.add(f);
  return () => listeners.delete(f);
}

export const useToasts = () => useSyncExternalStore(subscribe, () => toasts);

/** useOverlay gives what held changes show: lay(key, thing) is the thing as it will be. */
export function useOverlay(): <T extends object>(key: string, thing: T) => T {
  const o = useSyncExternalStore(subscribe, () => overlay);
  return (key, thing) => {
    const change = o.get(key);
    return change ? { ...thing, ...change } : thing;
  };
}
