import { ActionIcon, Button, Menu, NativeSelect, SegmentedControl, TextInput, Tooltip } from "@mantine/core";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { get, Problem, post, request } from "../../api/client";
import type { HuntChecked, HuntResult, SavedHunt } from "../../api/types";
import { go, withSearch } from "../../app/go";
import { useKeys } from "../../app/keys";
import { usePrefs } from "../../app/prefs";
import { useSearch } from "../../app/router";
import { useCan } from "../../app/session";
import { say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { Icon } from "../../ui/Icon";
import { Keycap } from "../../ui/Keycap";
import { useDebounced } from "../../ui/QueryBar";
import { fromBytes, toBytes } from "../../ui/utf8";
import { Results } from "./Results";
import { rangeOf } from "./result";
import { SaveForm } from "./SaveForm";
import { ScheduleForm } from "./ScheduleForm";
import { Side } from "./Side";
import { inLang } from "./text";
import { w as catalogue } from "./words";
import "./hunt.css";

const Editor = lazy(() => import("../../ui/editor/Editor"));

type Lang = "kql" | "sql";

interface Asked {
  lang: Lang;
  text: string;
  from?: string;
  to?: string;
  params: Record<string, string>;
}

/** Page asks the lake. The address holds the question, so that a link shows the same. */
export function Page() {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang: reader } = usePrefs();
  const search = useSearch();
  const client = useQueryClient();
  const canWork = useCan("work");
  const canConfigure = useCan("configure");
  const lang: Lang = search.lang === "sql" ? "sql" : "kql";
  const range = search.range ?? (search.from || search.to ? "custom" : "24h");
  const [text, setText] = useState(search.q ?? "");
  const [params, setParams] = useState<Record<string, string>>({});
  const [form, setForm] = useState<"save" | "schedule">();
  const [asking, setAsking] = useState(false);
  const [answer, setAnswer] = useState<HuntResult>();
  const [failed, setFailed] = useState<Problem>();
  const stop = useRef<AbortController>(null);

  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  useEffect(() => setText(search.q ?? ""), [search.q]);
  useEffect(() => () => stop.current?.abort(), []);

  const hunt = useQuery({
    queryKey: ["hunts", search.hunt],
    queryFn: ({ signal }) => get<SavedHunt>(`/hunts/${encodeURIComponent(search.hunt!)}`, signal),
    enabled: !!search.hunt,
    retry: false,
  });
  const saved = search.hunt ? hunt.data : undefined;
  // A saved hunt without a text of its own in the address shows that of the hunt.
  useEffect(() => {
    if (saved && search.q === undefined) setText(saved.text);
    if (saved) setParams(Object.fromEntries((saved.params ?? []).map((p) => [p.name, p.default ?? ""])));
  }, [saved, search.q]);

  const rested = useDebounced(text, 350);
  const check = useQuery({
    queryKey: ["hunt", "check", lang, rested],
    queryFn: ({ signal }) => post<HuntChecked>("/hunt/check", { lang, text: rested }, { signal }),
    enabled: rested.trim() !== "",
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 60_000,
  });
  const problems = useMemo(
    () => (rested.trim() !== "" && rested === text ? (check.data?.problems ?? []) : []),
    [check.data, rested, text],
  );

  const ask = (): Asked => ({ lang, text, params, ...rangeOf(range, search.from, search.to, Date.now()) });
  const body = (a: Asked) => ({
    lang: a.lang,
    text: a.text,
    from: a.from,
    to: a.to,
    // A chart wants all its points; a table is scrolled, not read to its end.
    limit: /\|\s*render\b/.test(a.text) ? 10_000 : 2000,
    params: Object.keys(a.params).length > 0 ? a.params : undefined,
  });
  const run = async () => {
    if (text.trim() === "" || asking) return;
    stop.current?.abort();
    const c = new AbortController();
    stop.current = c;
    setAsking(true);
    setFailed(undefined);
    if (search.q !== text) go(withSearch({ q: text }), { replace: search.q === undefined });
    try {
      setAnswer(await post<HuntResult>("/hunt", body(ask()), { signal: c.signal }));
    } catch (err) {
      if (err instanceof Problem) {
        setFailed(err);
        setAnswer(undefined);
      } else if (!(err instanceof DOMException)) throw err;
    } finally {
      if (stop.current === c) setAsking(false);
      void client.invalidateQueries({ queryKey: ["hunt", "history"] });
    }
  };
  const cancel = () => {
    stop.current?.abort();
    setAsking(false);
  };
  // A link with run=1 is asked when it is opened.
  useEffect(() => {
    if (search.run && search.q) {
      go(withSearch({ run: undefined }), { replace: true });
      void run();
    }
  }, [search.run]);

  const exportAs = async (format: "csv" | "jsonl") => {
    say(w.exporting);
    try {
      const res = await request("/hunt/export", {
        method: "POST",
        body: { ...body(ask()), limit: undefined, format },
        headers: { Accept: "*/*" },
      });
      const url = URL.createObjectURL(await res.blob());
      const a = document.createElement("a");
      a.href = url;
      a.download = `hunt.${format}`;
      a.click();
      URL.revokeObjectURL(url);
    } catch (err) {
      say(err instanceof Problem ? err.said(reader) : String(err), "error");
    }
  };

  useKeys([{ keys: "mod+Enter", label: w.keys.run, group: w.title, always: true, run: () => void run() }]);

  const open = (q: string, l: Lang, more: Record<string, string | undefined> = {}) =>
    go(
      `/hunt?${new URLSearchParams(Object.entries({ q, lang: l, range, ...more }).filter((e): e is [string, string] => !!e[1]))}`,
    );

  const ranges: [string, string][] = [
    ["1h", w.range.h1],
    ["24h", w.range.h24],
    ["7d", w.range.d7],
    ["30d", w.range.d30],
    ["90d", w.range.d90],
    ["text", w.range.text],
    ["custom", w.range.custom],
  ];
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        {saved && (
          <span className="dim cut">
            <Hostile text={inLang(saved.title, reader) || saved.name} />
          </span>
        )}
        <span className="grow" />
        <SegmentedControl
          size="xs"
          aria-label={w.language}
          value={lang}
          onChange={(l) => go(withSearch({ lang: l, q: text }), { replace: true })}
          data={[
            { value: "kql", label: "KQL" },
            { value: "sql", label: "SQL" },
          ]}
        />
        <NativeSelect
          size="xs"
          aria-label={w.range.label}
          value={range}
          onChange={(e) =>
            go(withSearch({ range: e.currentTarget.value, q: text, from: undefined, to: undefined }), { replace: true })
          }
          data={ranges.map(([value, label]) => ({ value, label }))}
        />
        {asking ? (
          <Button size="compact-sm" color="red" variant="light" onClick={cancel}>
            {w.stop}
          </Button>
        ) : (
          <Tooltip label={<Keycap keys="mod+Enter" />}>
            <Button
              size="compact-sm"
              variant="filled"
              leftSection={<Icon name="play" size={12} />}
              onClick={() => void run()}
              disabled={text.trim() === ""}
            >
              {w.run}
            </Button>
          </Tooltip>
        )}
        {(canWork || canConfigure) && (
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon aria-label={core.do.more}>
                <Icon name="more" />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {canWork && (
                <Menu.Item
                  leftSection={<Icon name="star" size={14} />}
                  disabled={text.trim() === ""}
                  onClick={() => setForm("save")}
                >
                  {w.save}
                </Menu.Item>
              )}
              {canConfigure && (
                <Menu.Item
                  leftSection={<Icon name="rules" size={14} />}
                  disabled={lang !== "kql"}
                  onClick={() => (saved ? setForm("schedule") : say(w.firstSave))}
                >
                  {w.schedule}
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        )}
      </div>
      {range === "custom" && (
        <div className="page-head hunt-range">
          {(["from", "to"] as const).map((k) => (
            <TextInput
              key={k}
              size="xs"
              type="datetime-local"
              label={w.range[k]}
              defaultValue={localTime(search[k])}
              onBlur={(e) => {
                const v = e.currentTarget.value;
                go(withSearch({ range: "custom", q: text, [k]: v ? new Date(v).toISOString() : undefined }), {
                  replace: true,
                });
              }}
            />
          ))}
        </div>
      )}
      <div className="split">
        <Side open={open} current={search.hunt} insert={(name) => setText((t) => (t.trim() ? `${t}${name}` : name))} />
        <div className="grow hunt-main">
          {saved?.params && saved.params.length > 0 && (
            <div className="hunt-params">
              {saved.params.map((p) => (
                <TextInput
                  key={p.name}
                  size="xs"
                  label={inLang(p.title, reader) || p.name}
                  description={p.type}
                  required={p.needed}
                  value={params[p.name] ?? ""}
                  onChange={(e) => setParams({ ...params, [p.name]: e.currentTarget.value })}
                />
              ))}
            </div>
          )}
          <div className="hunt-editor">
            <Suspense fallback={<pre className="hunt-wait mono">{text}</pre>}>
              <Editor
                value={text}
                onChange={setText}
                language={lang}
                label={w.editor}
                placeholder={w.placeholder}
                problems={problems}
                onRun={() => void run()}
                autoFocus={!search.q && !search.hunt}
                complete={async (t, at, signal) => {
                  const c = await post<{
                    from: number;
                    to: number;
                    items: { text: string; kind: string; doc?: string }[] | null;
                  }>("/hunt/complete", { lang, text: t, at: toBytes(t, at) }, { signal });
                  return { from: fromBytes(t, c.from), to: fromBytes(t, c.to), items: c.items ?? [] };
                }}
              />
            </Suspense>
          </div>
          {problems.length > 0 && (
            <div className="hunt-problems" role="status">
              {problems.slice(0, 3).map((p, i) => (
                <div key={i}>
                  <span className="faint num">{w.line(p.line, p.column)}</span> <Hostile text={p.message} />
                  {p.hint && (
                    <span className="dim">
                      {" "}
                      — {core.query.hint}: <Hostile text={p.hint} />
                    </span>
                  )}
                </div>
              ))}
            </div>
          )}
          {asking && (
            <div className="hunt-busy" role="status">
              <span className="hunt-bar-busy" aria-hidden="true" />
              {w.running}
            </div>
          )}
          {failed && failed.code === "unavailable" ? (
            <EmptyState title={w.off} doc={w.offDoc} steps={[{ title: "g++", code: "make build" }]} />
          ) : (
            failed && (
              <div className="notice notice-bad" role="alert">
                <Hostile text={failed.said(reader)} />
                {failed.details?.hint && <span className="dim"> — {failed.details.hint}</span>}
              </div>
            )
          )}
          {answer && !failed && <Results result={answer} exportAs={(f) => void exportAs(f)} />}
          {!answer && !failed && !asking && (
            <EmptyState
              title={w.start}
              doc={w.startDoc}
              steps={examples(w.examples).map((e) => ({
                title: (
                  <button type="button" className="link" onClick={() => open(e.text, "kql", { range: e.range })}>
                    {e.title}
                  </button>
                ),
                code: e.text,
              }))}
            />
          )}
        </div>
      </div>
      {form === "save" && (
        <SaveForm
          close={() => setForm(undefined)}
          text={text}
          lang={lang}
          range={/^\d+[hd]$/.test(range) ? range : undefined}
          from={saved}
          done={(h) => {
            void client.invalidateQueries({ queryKey: ["hunts"] });
            say(w.saved(h.name));
            go(withSearch({ hunt: h.name, q: text }), { replace: true });
          }}
        />
      )}
      {form === "schedule" && saved && (
        <ScheduleForm
          close={() => setForm(undefined)}
          hunt={saved}
          params={params}
          done={(id) => {
            say(w.scheduled);
            go(`/rules/${encodeURIComponent(id)}`);
          }}
        />
      )}
    </div>
  );
}

/** localTime is a time as a field of the browser writes it. */
function localTime(t: string | undefined): string {
  if (!t) return "";
  const d = new Date(t);
  return new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function examples(titles: { denied: string; new: string; actor: string }) {
  return [
    {
      title: titles.denied,
      range: "24h",
      text: "events\n| where outcome == 'failure'\n| summarize n = count(), last = max(time) by actor_name, action, error_code\n| order by n desc",
    },
    {
      title: titles.new,
      range: "30d",
      text: "events\n| where action in ('ConsoleLogin', 'Sign-in activity') and outcome == 'success'\n| summarize first = min(time), n = count() by src_ip, actor_name\n| where first > ago(7d)\n| order by first desc",
    },
    {
      title: titles.actor,
      range: "7d",
      text: "events\n| where actor_name == 'deploy'\n| project time, account, action, src_ip, outcome\n| order by time desc",
    },
  ];
}
