import { Button, Modal, NativeSelect, Textarea } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { get, Problem, post, put } from "../../api/client";
import type { Page as List, PolicyChecked, PolicyText, PolicyVersion, Replayed } from "../../api/types";
import { useKeys } from "../../app/keys";
import { usePrefs } from "../../app/prefs";
import { useCan } from "../../app/session";
import { say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { FormFoot } from "../../ui/FormFoot";
import { Hostile } from "../../ui/Hostile";
import { Problems } from "../../ui/Problems";
import { Time } from "../../ui/Time";
import { useWritten } from "../../ui/written";
import { RuleTabs } from "../rules/RuleTabs";
import { Replay } from "./Replay";
import { w as catalogue } from "./words";
import "./policy.css";

const Editor = lazy(() => import("../../ui/editor/Editor"));

/** Page edits the severity policy: checked as one writes, replayed before it holds. */
export function Page() {
  const w = useWords(catalogue);
  const { lang } = usePrefs();
  const client = useQueryClient();
  const can = useCan("configure");
  const { base, text, setText, checked, problems, changed, stale, load, write } = useWritten({
    key: ["policy"],
    can,
    read: (signal) => get<PolicyText>("/policy", signal),
    check: (text, signal) => post<PolicyChecked>("/policy/check", { text }, { signal }),
  });
  const [days, setDays] = useState(7);
  const [replay, setReplay] = useState<{ text: string; result: Replayed }>();
  const [busy, setBusy] = useState(false);
  const [saving, setSaving] = useState(false);
  const stop = useRef<AbortController>(null);
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  useEffect(() => () => stop.current?.abort(), []);

  const run = async () => {
    if (text === undefined || !can) return;
    stop.current?.abort();
    const c = new AbortController();
    stop.current = c;
    setBusy(true);
    try {
      const from = new Date(Date.now() - days * 86_400_000).toISOString();
      setReplay({ text, result: await post<Replayed>("/policy/replay", { text, from }, { signal: c.signal }) });
    } catch (err) {
      if (err instanceof Problem) say(err.said(lang), "error");
    } finally {
      if (stop.current === c) setBusy(false);
    }
  };
  const save = async (reason: string) => {
    const held = await write((text, match) => put<PolicyText>("/policy", { text, reason }, { match }));
    setSaving(false);
    if (!held) return;
    void client.invalidateQueries({ queryKey: ["policy", "versions"] });
    say(w.saved);
  };
  useKeys([{ keys: "mod+Enter", label: w.keys.replay, group: w.title, always: true, run: () => void run() }], can);
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        <RuleTabs at="policy" />
        <span className="grow" />
        {changed && <span className="faint policy-state">{w.changed}</span>}
        {changed && (
          <Button size="compact-sm" variant="subtle" onClick={() => setText(base?.text)}>
            {w.reset}
          </Button>
        )}
        {can && (
          <>
            <NativeSelect
              size="xs"
              aria-label={w.back}
              value={String(days)}
              onChange={(e) => setDays(Number(e.currentTarget.value))}
              data={[1, 7, 30, 90].map((n) => ({ value: String(n), label: w.days(n) }))}
            />
            <Button size="compact-sm" variant="default" loading={busy} onClick={() => void run()}>
              {w.replay}
            </Button>
            <Button
              size="compact-sm"
              disabled={!changed || !checked || checked.refused}
              onClick={() => setSaving(true)}
            >
              {w.save}
            </Button>
          </>
        )}
      </div>
      {stale && (
        <div className="notice notice-bad" role="alert">
          {w.conflict}{" "}
          <Button size="compact-xs" onClick={() => void load()}>
            {w.load}
          </Button>
        </div>
      )}
      <div className="written">
        <div className="written-editor">
          {text !== undefined && (
            <Suspense fallback={<pre className="mono">{text}</pre>}>
              <Editor
                value={text}
                onChange={setText}
                language="yaml"
                label={w.editor}
                readOnly={!can}
                problems={problems}
                onRun={() => void run()}
              />
            </Suspense>
          )}
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard (WCAG 2.1.1) */}
        <section className="written-side" aria-label={w.replay} tabIndex={0}>
          <section className="section">
            <p className="dim">{w.doc}</p>
            {base?.shipped && <p className="dim">{w.shipped}</p>}
            {base?.file && <p className="mono faint">{base.file}</p>}
            {!can && <p className="faint">{w.forbidden}</p>}
            {checked && (
              <Problems list={checked.problems} refused={checked.refused}>
                {w.check(checked.clauses)}
              </Problems>
            )}
          </section>
          {can && (
            <section className="section" aria-live="polite">
              <h2>{w.replay}</h2>
              {busy ? (
                <p className="dim">{w.replaying}…</p>
              ) : replay ? (
                <Replay replay={replay.result} />
              ) : (
                <p className="dim">{w.replayDoc}</p>
              )}
            </section>
          )}
          <Versions take={can ? setText : undefined} />
        </section>
      </div>
      {saving && (
        <SaveForm close={() => setSaving(false)} save={(reason) => void save(reason)} unseen={replay?.text !== text} />
      )}
    </div>
  );
}

function SaveForm({ close, save, unseen }: { close: () => void; save: (reason: string) => void; unseen: boolean }) {
  const w = useWords(catalogue);
  const core = useCore();
  const [reason, setReason] = useState("");
  return (
    <Modal opened onClose={close} title={w.saveTitle} size={420} closeButtonProps={{ "aria-label": core.do.close }}>
      <form
        className="form"
        onSubmit={(e) => {
          e.preventDefault();
          save(reason);
        }}
      >
        {unseen && <div className="notice notice-warn">{w.unreplayed}</div>}
        <Textarea
          label={w.reason}
          description={w.reasonDoc}
          data-autofocus
          required
          autosize
          minRows={2}
          value={reason}
          onChange={(e) => setReason(e.currentTarget.value)}
        />
        <FormFoot cancel={close} />
      </form>
    </Modal>
  );
}

function Versions({ take }: { take?: (text: string) => void }) {
  const w = useWords(catalogue);
  const r = useQuery({
    queryKey: ["policy", "versions"],
    queryFn: ({ signal }) => get<List<PolicyVersion>>("/policy/versions", signal),
    retry: false,
  });
  const list = r.data?.items ?? [];
  return (
    <section className="section">
      <h2>{w.versions}</h2>
      {list.length === 0 && <p className="faint">{w.noVersions}</p>}
      <ul className="policy-versions">
        {list.map((v) => (
          <li key={v.id}>
            <Time at={v.at} mode="exact" /> <span className="dim">{v.by?.replace(/^user:/, "")}</span>{" "}
            {v.reason && <Hostile text={v.reason} />}
            {take && (
              <Button
                size="compact-xs"
                variant="subtle"
                onClick={() =>
                  void get<PolicyVersion>(`/policy/versions/${encodeURIComponent(v.id)}`).then(
                    (x) => x.text && take(x.text),
                  )
                }
              >
                {w.take}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
