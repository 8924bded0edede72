import { Button } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
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
import { useWritten } from "../../ui/written";
import { w as catalogue } from "./words";
import "../../ui/written.css";

const Editor = lazy(() => import("../../ui/editor/Editor"));

/** TeamFile edits what the team says of its accounts, or of how people are told: checked as one writes. */
export function TeamFile({ name }: { name: File["name"] }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const can = useCan("configure");
  const path = `/team-files/${name}` as const;
  const { base, text, setText, checked, problems, changed, stale, error, load, write } = useWritten({
    key: ["team-file", name],
    can,
    read: (signal) => get<File>(path, signal),
    check: (text, signal) => post<TeamFileChecked>(`${path}/check`, { text }, { signal }),
  });
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    if (await write((text, match) => put<File>(path, { text }, { match }))) say(w.saved);
    setBusy(false);
  };
  if (!base || text === undefined)
    return error ? (
      <EmptyState title={w.tabs[name]} doc={error instanceof Problem ? error.said(lang) : error.message} />
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
