import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { get, Problem, put, query } from "../../api/client";
import { useStream } from "../../api/stream";
import type { Overview, Visit } from "../../api/types";
import { useLang } from "../../app/prefs";
import { useSession } from "../../app/session";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { EmptyState } from "../../ui/EmptyState";
import { Time } from "../../ui/Time";
import { Attack } from "./Attack";
import { Countries, Hours, Lake, Noisy, Sinks, Sources } from "./Blocks";
import { Hands, Levels, Stats } from "./Hands";
import { w as catalogue } from "./words";
import "./overview.css";

const VISIT = "yagura.visit";

// The last visit is the one before this tab was opened: to load the page anew is no new visit.
async function lastVisit(): Promise<string> {
  const kept = sessionStorage.getItem(VISIT);
  if (kept !== null) return kept;
  const { previous } = await put<Visit>("/me/visit").catch((): Visit => ({}));
  sessionStorage.setItem(VISIT, previous ?? "");
  return previous ?? "";
}

/** Page is the overview: what needs hands, and how the watch itself does. */
export function Page() {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const session = useSession();
  const r = useQuery({
    queryKey: ["overview"],
    queryFn: async ({ signal }) => get<Overview>(`/overview${query({ since: await lastVisit() })}`, signal),
    staleTime: 15_000,
    // The events of the lake are counted behind the first answer.
    refetchInterval: ({ state }) => (state.data?.events_known === false && state.dataUpdateCount < 5 ? 3_000 : 60_000),
  });
  // Issues move all the time: the page is asked for anew once they have rested for a moment.
  useStream("issue", () => soon(() => void r.refetch()));
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  const o = r.data;
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        {session.server.tenant && <span className="faint">{session.server.tenant}</span>}
        <span className="grow" />
        {o && (
          <span className="faint" aria-live="off">
            <Time at={o.at} mode="exact" />
          </span>
        )}
      </div>
      <div className="page-body">
        {r.error && !o && (
          <EmptyState
            title={r.error instanceof Problem && r.error.status === 403 ? core.state.forbidden : core.state.unreachable}
            doc={r.error instanceof Problem ? r.error.said(lang) : r.error.message}
            action={{ label: core.do.retry, run: () => void r.refetch() }}
          />
        )}
        {r.error && o && (
          <div className="notice notice-warn" role="status">
            {core.state.unreachableDoc}
            <Button size="compact-xs" onClick={() => void r.refetch()}>
              {core.do.retry}
            </Button>
          </div>
        )}
        {!o && !r.error && <div className="ov-wait" aria-busy="true" />}
        {o && (nothing(o) ? <FirstSteps /> : <Board o={o} />)}
      </div>
    </div>
  );
}

/** nothing says whether nothing was ever set up or seen. */
function nothing(o: Overview): boolean {
  return (
    o.sources !== undefined &&
    (o.sources ?? []).length === 0 &&
    (o.hours ?? []).every((h) => h.events === 0) &&
    o.open.every((l) => l.open + l.acknowledged === 0)
  );
}

function Board({ o }: { o: Overview }) {
  return (
    <div className={o.countries ? "ov" : "ov ov-wide"}>
      <Hands o={o} />
      <Levels o={o} />
      <Stats o={o} />
      <Hours o={o} />
      {o.countries && <Countries o={o} />}
      <Noisy o={o} />
      {o.sources && <Sources o={o} />}
      {o.attack && <Attack o={o} />}
      {(o.lake || o.sources) && <Lake o={o} />}
      {o.sinks && <Sinks o={o} />}
    </div>
  );
}

function FirstSteps() {
  const w = useWords(catalogue);
  return (
    <EmptyState
      title={w.empty.title}
      doc={w.empty.doc}
      steps={[
        { title: w.empty.source, doc: w.empty.sourceDoc, code: "yagura init" },
        { title: w.empty.check, doc: w.empty.checkDoc, code: "yagura config check" },
        { title: w.empty.try, code: "yagura demo" },
      ]}
    />
  );
}

let timer: ReturnType<typeof setTimeout> | undefined;
function soon(f: () => void) {
  clearTimeout(timer);
  timer = setTimeout(f, 1500);
}
