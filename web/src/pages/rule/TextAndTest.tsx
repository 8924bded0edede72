import { Button, NativeSelect } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { del, Problem, post, put } from "../../api/client";
import type { RuleText, RuleTried } from "../../api/types";
import { go } from "../../app/go";
import { useKeys } from "../../app/keys";
import { usePrefs } from "../../app/prefs";
import { useCan } from "../../app/session";
import { hold, say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { SeverityBadge } from "../../ui/Badges";
import { Hostile } from "../../ui/Hostile";
import { Time } from "../../ui/Time";
import { Value } from "../../ui/Value";
import { w as catalogue } from "../rules/words";

const Editor = lazy(() => import("../../ui/editor/Editor"));

/** TextAndTest shows the file of a rule, changes one of the team's own, and tries either against stored events. */
export function TextAndTest({ rule, make }: { rule?: RuleText; make?: boolean }) {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang } = usePrefs();
  const client = useQueryClient();
  const canWork = useCan("work");
  const canConfigure = useCan("configure");
  const own = make || rule?.own === true;
  const [text, setText] = useState(rule?.text ?? w.template);
  const [hours, setHours] = useState(24);
  const [tried, setTried] = useState<RuleTried>();
  const [busy, setBusy] = useState(false);
  const stop = useRef<AbortController>(null);
  useEffect(() => {
    if (rule) setText(rule.text);
  }, [rule]);
  useEffect(() => () => stop.current?.abort(), []);

  const test = async () => {
    stop.current?.abort();
    const c = new AbortController();
    stop.current = c;
    setBusy(true);
    try {
      setTried(await post<RuleTried>("/rules/test", { text, hours, limit: 50 }, { signal: c.signal }));
    } catch (err) {
      if (err instanceof Problem) say(err.said(lang), "error");
    } finally {
      if (stop.current === c) setBusy(false);
    }
  };
  const save = async () => {
    const id = make ? (/^id:\s*['"]?([\w.-]+)/m.exec(text)?.[1] ?? "") : rule!.id;
    try {
      const path = `/rules/${encodeURIComponent(id)}`;
      const kept = await put<RuleText>(
        path,
        { text },
        make ? { headers: { "If-None-Match": "*" } } : { match: `"${rule!.etag}"` },
      );
      client.setQueryData(["rule", kept.id], kept);
      void client.invalidateQueries({ queryKey: ["list", "rules"] });
      say(w.savedRule);
      if (make) go(`/rules/${encodeURIComponent(kept.id)}`, { replace: true });
    } catch (err) {
      if (err instanceof Problem && err.details?.problems)
        setTried({ refusals: err.details.problems, hits: [], total: 0, records: 0, ms: 0 });
      say(err instanceof Problem ? err.said(lang) : String(err), "error");
    }
  };
  useKeys([{ keys: "mod+Enter", label: w.keys.test, group: w.group, always: true, run: () => void test() }], canWork);

  const refusals = tried?.refusals ?? [];
  const problems = refusals
    .filter((f) => f.line)
    .map((f) => ({ line: f.line!, column: f.column ?? 1, message: f.reason, hint: f.hint, warning: f.warning }));
  const changed = own && text !== (rule?.text ?? "");
  return (
    <section className="section">
      <h2>{own ? w.ownText : w.text}</h2>
      <div className="rule-editor">
        <Suspense fallback={<pre className="mono">{text}</pre>}>
          <Editor
            value={text}
            onChange={setText}
            language="yaml"
            label={own ? w.ownText : w.text}
            readOnly={!own || !canConfigure}
            problems={problems}
            onRun={canWork ? () => void test() : undefined}
            autoFocus={make}
          />
        </Suspense>
      </div>
      <div className="rule-bar">
        {canWork && (
          <>
            <Button size="compact-sm" variant="default" loading={busy} onClick={() => void test()}>
              {w.test.run}
            </Button>
            <NativeSelect
              size="xs"
              aria-label={w.test.hours}
              value={String(hours)}
              onChange={(e) => setHours(Number(e.currentTarget.value))}
              data={[1, 24, 72, 168, 720].map((n) => ({ value: String(n), label: w.test.h(n) }))}
            />
          </>
        )}
        <span className="grow" />
        {changed && <span className="faint">{w.unsaved}</span>}
        {own && canConfigure && (
          <Button size="compact-sm" disabled={!make && !changed} onClick={() => void save()}>
            {w.save}
          </Button>
        )}
        {!own && canConfigure && rule && (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => go(`/rules/new?from=${encodeURIComponent(rule.id)}`)}
          >
            {w.copy}
          </Button>
        )}
        {own && !make && canConfigure && rule && (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              hold({
                label: w.removed,
                send: (leaving) =>
                  del(`/rules/${encodeURIComponent(rule.id)}`, { keepalive: leaving, match: `"${rule.etag}"` }),
                done: () => void client.invalidateQueries({ queryKey: ["list", "rules"] }),
              });
              go("/rules");
            }}
          >
            {w.remove}
          </Button>
        )}
      </div>
      {busy && (
        <p className="dim" role="status">
          {w.test.running}…
        </p>
      )}
      {tried && !busy && (
        <div role="status">
          {refusals.filter((f) => !f.warning).length > 0 ? (
            <div className="notice notice-bad">{w.test.refused}</div>
          ) : (
            <p>
              {tried.total > 0
                ? w.test.result(
                    count(tried.total, lang),
                    count(tried.records, lang),
                    tried.ms < 1000 ? `${tried.ms} ms` : `${(tried.ms / 1000).toFixed(1)} s`,
                  )
                : `${w.test.none} (${count(tried.records, lang)})`}
              {tried.cut && <span className="faint"> {tried.cut === "time" ? w.test.cutTime : w.test.cutRecords}</span>}
            </p>
          )}
          {refusals.map((f, i) => (
            <div key={i} className={f.warning ? "notice notice-warn" : "notice notice-bad"}>
              {f.line ? <span className="mono">{w.problem(f.line, f.column ?? 1)}: </span> : null}
              <Hostile text={f.reason} />
              {f.hint && (
                <span>
                  {" "}
                  — {core.query.hint}: <Hostile text={f.hint} />
                </span>
              )}
            </div>
          ))}
          <ul className="rule-hits">
            {(tried.hits ?? []).map(({ finding: f }) => (
              <li key={f.id}>
                <div className="rule-hit">
                  <SeverityBadge level={f.severity} />
                  <Time at={f.time} mode="exact" />
                  <span className="mono">
                    <Hostile text={f.event.action} />
                  </span>
                  <Value field="actor" value={f.event.actor.name || f.event.actor.id || ""} hunt="actor_name" />
                  <Value field="ip" value={f.event.src_ip} hunt="src_ip" />
                  <span className="dim mono">
                    <Hostile text={f.event.account} />
                  </span>
                </div>
                <div className="rule-why">
                  {(f.why ?? []).map((y, i) => (
                    <span key={i} className="mono dim">
                      <Hostile text={`${y.field} ${y.op} ${y.value}`} />
                    </span>
                  ))}
                </div>
              </li>
            ))}
          </ul>
          {tried.hits && tried.total > tried.hits.length && (
            <p className="faint">{w.test.more(count(tried.total - tried.hits.length, lang))}</p>
          )}
        </div>
      )}
    </section>
  );
}
