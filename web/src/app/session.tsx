// Who is signed in. Everything below SessionGate may ask useSession.
import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect } from "react";
import { get, onUnauthenticated, Problem, patch, setCSRF } from "../api/client";
import type { Permission, Reader } from "../api/types";
import { useCore } from "../i18n/core";
import { EmptyState } from "../ui/EmptyState";
import { buildOf, reloadOnce } from "./build";
import { go } from "./go";
import { getPrefs, type Prefs, setPrefs } from "./prefs";

const Context = createContext<Reader | null>(null);

/** useSession returns the session; it is there on every page but sign-in and set-up. */
export function useSession(): Reader {
  const s = useContext(Context);
  if (!s) throw new Error("useSession outside of SessionGate");
  return s;
}

/** useCan says whether the reader may do something. */
export function useCan(p: Permission): boolean {
  return useContext(Context)?.permissions.includes(p) ?? false;
}

const fetchSession = () => get<Reader>("/session");

/** SessionGate shows its children to those who are signed in and sends others to sign in. */
export function SessionGate({ children }: { children: ReactNode }) {
  const w = useCore();
  const r = useQuery({
    queryKey: ["session"],
    queryFn: fetchSession,
    staleTime: 60_000,
    retry: (n, e) => e instanceof Problem && e.status === 0 && n < 3,
  });
  const session = r.data;
  useEffect(() => {
    onUnauthenticated(() => {
      const here = location.pathname + location.search;
      if (!here.startsWith("/sign-in") && !here.startsWith("/setup")) go(`/sign-in?next=${encodeURIComponent(here)}`);
    });
  }, []);
  if (session) setCSRF(session.csrf);
  useEffect(() => {
    if (!session) return;
    // What the account says wins over the browser on the first look, and not again: a
    // preference that is changed here is written there.
    const u = session.user;
    setPrefs({ lang: u.lang || getPrefs().lang, theme: u.theme || getPrefs().theme, zone: u.zone ?? getPrefs().zone });
    if (session.server.build && buildOf() && session.server.build !== buildOf()) reloadOnce(session.server.build);
  }, [session]);
  if (session) return <Context value={session}>{children}</Context>;
  if (r.error && !(r.error instanceof Problem && r.error.status === 401))
    return (
      <EmptyState
        title={w.state.unreachable}
        action={{ label: w.do.retry, run: () => void r.refetch() }}
        doc={r.error.message}
      />
    );
  return null;
}

/** prefer changes preferences here and in the account. */
export function prefer(change: Partial<Prefs>) {
  setPrefs(change);
  const { narrow: _, ...kept } = change;
  if (Object.keys(kept).length > 0) patch("/me", kept, { quiet: true }).catch(() => undefined); // the browser keeps it anyway
}
