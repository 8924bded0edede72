import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { Problem } from "../api/client";
import { useLang } from "../app/prefs";
import { say } from "../app/undo";
import type { EditorProblem } from "./editor/place";
import type { Wrong } from "./Problems";
import { useDebounced } from "./QueryBar";

/**
 * useWritten is a text that somebody writes over the one that holds: read once, checked as one
 * writes, and kept only over the version that was read.
 */
export function useWritten<F extends { text: string; etag: string }, C extends { problems: Wrong[] }>(of: {
  key: string[];
  /** Who may write has the text checked. */
  can: boolean;
  read: (signal: AbortSignal) => Promise<F>;
  check: (text: string, signal: AbortSignal) => Promise<C>;
}) {
  const lang = useLang();
  const client = useQueryClient();
  const holds = useQuery({ queryKey: of.key, queryFn: ({ signal }) => of.read(signal) });
  const [base, setBase] = useState<F>();
  const [text, setText] = useState<string>();
  const [stale, setStale] = useState(false);
  const take = (f: F) => {
    setBase(f);
    setText(f.text);
    setStale(false);
  };
  useEffect(() => {
    if (holds.data && base === undefined) take(holds.data);
  }, [holds.data, base]);
  const rested = useDebounced(text ?? "", 350);
  const check = useQuery({
    queryKey: [...of.key, "check", rested],
    queryFn: ({ signal }) => of.check(rested, signal),
    enabled: of.can && base !== undefined,
    placeholderData: (p) => p,
    staleTime: 60_000,
    retry: false,
  });
  const checked = rested === text ? check.data : undefined;
  const problems = useMemo(
    () =>
      (checked?.problems ?? []).map(
        (p): EditorProblem => ({
          line: p.line ?? 1,
          column: p.column ?? 1,
          message: p.reason,
          hint: p.hint,
          warning: p.warning,
        }),
      ),
    [checked],
  );
  const changed = base !== undefined && text !== base.text;
  // What is written is not lost by closing the tab.
  useEffect(() => {
    if (!changed) return;
    const ask = (e: BeforeUnloadEvent) => e.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [changed]);
  return {
    base,
    text,
    setText,
    /** Of the text as it is; nothing while the check is under way. */
    checked,
    problems,
    changed,
    /** Somebody else changed what holds meanwhile. */
    stale,
    error: holds.error,
    /** Drops what was written for what holds now. */
    load: async () => {
      const r = await holds.refetch();
      if (r.data) take(r.data);
    },
    /** Writes the text over the version that was read, which If-Match names; true where it holds. */
    write: async (put: (text: string, match: string) => Promise<F>): Promise<boolean> => {
      if (!base || text === undefined) return false; // it is not read yet
      try {
        const kept = await put(text, `"${base.etag}"`);
        take(kept);
        client.setQueryData(of.key, kept);
        return true;
      } catch (err) {
        if (err instanceof Problem && (err.status === 412 || err.status === 409)) setStale(true);
        else say(err instanceof Problem ? err.said(lang) : String(err), "error");
        return false;
      }
    },
  };
}
