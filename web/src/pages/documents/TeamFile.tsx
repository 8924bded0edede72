import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { get, Problem, post, put } from "../../api/client";
import type { TeamFile as File, TeamFileChecked } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCan } from "../../app/session";
import { say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { EmptyState } from "../../ui/EmptyState";
import { Problems } from "../../ui/Problems";
import { useDebounced } from "../../ui/QueryBar";
import { w as catalogue } from "./words";
import "../../ui/written.css";

const Editor = lazy(() => import("../../ui/editor/Editor"));

/** TeamFile edits what the team says of its accounts, or of how people are told: checked as one writes. */
export function TeamFile({ name }: { name: File["name"] }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const client = useQueryClient();
  const can = useCan("configure");
  const path = `/team-files/${name}`;
  const holds = useQuery({ queryKey: ["team-file", name], queryFn: ({ signal }) => get<File>(path, signal) });
  const [base, setBase] = useState<File>();
  const [text, setText] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [stale, setStale] = useState(false);
  useEffect(() => {
    if (holds.data && base === undefined) {
      setBase(holds.data);
      setText(holds.data.text);
    }
  }, [holds.data, base]);
  const rested = useDebounced(text ?? "", 350);
  const check = useQuery({
    queryKey: ["team-file", name, "check", rested],
    queryFn: ({ signal }) => post<TeamFileChecked>(`${path}/check`, { text: rested }, { signal }),
    enabled: can && base !== undefined,
    placeholderData: (p) => p,
    staleTime: 60_000,
    retry: false,
  });
  const checked = rested === text ? check.data : undefined;
  const problems = useMemo(
    () =>
      (checked?.problems ?? []).map((p) => ({
        line: p.line ?? 1,
        column: p.column ?? 1,
        message: p.reason,
        hint: p.hint,
        warning: p.warning,
      })),
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
  const load = async () => {
    const r = await holds.refetch();
    if (r.data) {
      setBase(r.data);
      setText(r.data.text);
      setStale(false);
    }
  };
  const save = async () => {
    if (!base || text === undefined) return; // it is not read yet
    setBusy(true);
    try {
      const kept = await put<File>(path, { text }, { match: `"${base.etag}"` });
      setBase(kept);
      setText(kept.text);
      client.setQueryData(["team-file", name], kept);
      say(w.saved);
    } catch (err) {
      if (err instanceof Problem && (err.status === 412 || err.status === 409)) setStale(true);
      else say(err instanceof Problem ? err.said(lang) : String(err), "error");
    } finally {
      setBusy(false);
    }
  };
  if (!base || text === undefined)
    return holds.error ? (
      <EmptyState
        title={w.tabs[name]}
        doc={holds.error instanceof Problem ? holds.error.said(lang) : holds.error.message}
      />
    ) : (
      <div className="page-body" aria-busy="true" />
    );
  return (
    <>
      {stale && (
        <div className="notice notice-bad" role="alert">
          {w.fileConflict}{" "}
          <Button size="compact-xs" onClick={() => void load()}>
            {w.conflict.take}
          </Button>
        </div>
      )}
      <div className="written">
        <div className="written-editor">
          <Suspense fallback={<pre className="mono">{text}</pre>}>
            <Editor
              value={text}
              onChange={setText}
              language="yaml"
              label={w.tabs[name]}
              readOnly={!can}
              problems={problems}
              onRun={() => undefined}
            />
          </Suspense>
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard (WCAG 2.1.1) */}
        <section className="written-side" aria-label={w.check} tabIndex={0}>
          <section className="section">
            <p className="dim">{w.fileDoc[name]}</p>
            <p className="dim">
              {w.seeAlso} <Link href={name === "accounts" ? "/accounts" : "/policy"}>{w.seeLink[name]}</Link>
            </p>
            {base.fresh && <p className="dim">{w.fileFresh}</p>}
            <p className="mono faint">{base.file}</p>
            {!can && <p className="faint">{core.state.forbidden}</p>}
            {can && (
              <div className="row">
                <Button
                  variant="filled"
                  disabled={!changed || !checked || checked.refused}
                  loading={busy}
                  onClick={() => void save()}
                >
                  {core.do.save}
                </Button>
                {changed && (
                  <Button variant="subtle" onClick={() => setText(base.text)}>
                    {w.discard}
                  </Button>
                )}
              </div>
            )}
          </section>
          {checked && (
            <section className="section">
              <Problems list={checked.problems} refused={checked.refused} />
            </section>
          )}
        </section>
      </div>
    </>
  );
}
