// The stream of what changes (server-sent events). One connection serves all pages; who wants
// events subscribes. It is opened by the first subscriber and closed after the last.
import { useEffect, useRef, useSyncExternalStore } from "react";
import { base } from "./client";

export interface IssueEvent {
  id: string;
  version: number;
  status: "open" | "acknowledged" | "closed";
  severity: "critical" | "high" | "medium" | "low" | "none";
  updated: string;
}

export interface NoticeEvent {
  id: string;
  issue_id?: string;
  sink: string;
  op: string;
  state: "waiting" | "delivered" | "dead";
  attempts: number;
}

export interface StreamEvents {
  issue: IssueEvent;
  finding: Record<string, unknown>;
  source: Record<string, unknown>;
  notice: NoticeEvent;
}

type Kind = keyof StreamEvents;
const kinds: Kind[] = ["issue", "finding", "source", "notice"];
const subscribers = new Map<Kind, Set<(e: never) => void>>();
const watchers = new Set<() => void>();
let source: EventSource | undefined;
let live = false;
let retry: ReturnType<typeof setTimeout> | undefined;

function setLive(v: boolean) {
  if (live === v) return;
  live = v;
  for (const w of watchers) w();
}

function open() {
  if (source || typeof EventSource === "undefined") return;
  source = new EventSource(`${base}/stream`);
  source.onopen = () => setLive(true);
  source.onerror = () => {
    setLive(false);
    // The browser tries again by itself unless the server refused; then we ask now and then.
    if (source?.readyState === EventSource.CLOSED) {
      source = undefined;
      clearTimeout(retry);
      retry = setTimeout(() => some() && open(), 15_000);
    }
  };
  for (const kind of kinds)
    source.addEventListener(kind, (m) => {
      const data = JSON.parse((m as MessageEvent<string>).data);
      for (const f of subscribers.get(kind) ?? []) (f as (e: unknown) => void)(data);
    });
}

const some = () => [...subscribers.values()].some((s) => s.size > 0);

/** subscribe hears of one kind of events until what it returns is called. */
export function subscribe<K extends Kind>(kind: K, f: (e: StreamEvents[K]) => void): () => void {
  let set = subscribers.get(kind);
  if (!set) subscribers.set(kind, (set = new Set()));
  set.add(f as (e: never) => void);
  open();
  return () => {
    set.delete(f as (e: never) => void);
    if (!some()) {
      source?.close();
      source = undefined;
      setLive(false);
    }
  };
}

/** useStream hears of one kind of events while a component is there. */
export function useStream<K extends Kind>(kind: K, f: (e: StreamEvents[K]) => void) {
  const latest = useRef(f);
  latest.current = f;
  useEffect(() => subscribe(kind, (e) => latest.current(e)), [kind]);
}

/** useLive says whether the stream is connected. */
export function useLive(): boolean {
  return useSyncExternalStore(
    (f) => {
      watchers.add(f);
      return () => watchers.delete(f);
    },
    () => live,
  );
}
