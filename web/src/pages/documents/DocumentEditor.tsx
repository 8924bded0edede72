import { Button, SegmentedControl } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { del, etag, get, Problem, post, put } from "../../api/client";
import type { DocumentChecked, DocumentText, Fault } from "../../api/types";
import { go, withSearch } from "../../app/go";
import { useKeys } from "../../app/keys";
import { useLang } from "../../app/prefs";
import { say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { Icon } from "../../ui/Icon";
import { Markdown } from "../../ui/Markdown";
import { useDebounced } from "../../ui/QueryBar";
import { diff, hunks } from "./diff";
import { resolve } from "./links";
import { docPath } from "./Page";
import { w as catalogue } from "./words";

/** DocumentEditor writes a document: checked while it is written, never over what somebody else wrote. */
export function DocumentEditor({
  path,
  text: read,
  fresh,
  shipped,
}: {
  path: string;
  text: string;
  fresh?: boolean;
  shipped?: boolean;
}) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const client = useQueryClient();
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(read);
  const [base, setBase] = useState(read);
  const [view, setView] = useState<"write" | "both" | "preview">(window.innerWidth > 1200 ? "both" : "write");
  const [busy, setBusy] = useState(false);
  const [faults, setFaults] = useState<Fault[]>([]);
  const [theirs, setTheirs] = useState<string>();
  const [sure, setSure] = useState(false);
  const dirty = fresh || text !== base;
  const markdown = /\.md$/.test(path);

  useEffect(() => {
    if (!dirty) return;
    const stay = (e: BeforeUnloadEvent) => e.preventDefault();
    window.addEventListener("beforeunload", stay);
    return () => window.removeEventListener("beforeunload", stay);
  }, [dirty]);

  const rested = useDebounced(text, 600);
  useEffect(() => {
    let over = false;
    post<DocumentChecked>("/documents/check", { path, text: rested })
      .then((a) => !over && setFaults(a.problems ?? []))
      .catch(() => undefined); // it is checked again when it is saved
    return () => {
      over = true;
    };
  }, [rested, path]);

  const leave = () => go(fresh ? withSearch({ new: undefined }) : withSearch({ edit: undefined }));
  const done = () => {
    void client.invalidateQueries({ queryKey: ["document", path] });
    void client.invalidateQueries({ queryKey: ["list", "documents"] });
  };
  const save = async (over?: string) => {
    setBusy(true);
    try {
      const match = over ?? etag(docPath(path));
      await put<DocumentText>(
        docPath(path),
        { text },
        fresh && !over ? { headers: { "If-None-Match": "*" } } : { match },
      );
      setBase(text);
      setTheirs(undefined);
      say(w.saved);
      done();
      go(withSearch({ new: undefined, edit: undefined, open: path }));
    } catch (err) {
      if (err instanceof Problem && (err.status === 412 || err.status === 409)) {
        // What is there now; its ETag is kept by the read, so a second save is over what was seen.
        const now = await get<DocumentText>(docPath(path)).catch(() => undefined);
        setTheirs(now?.text ?? "");
      } else if (err instanceof Problem && err.details?.problems?.length) setFaults(err.details.problems);
      else say(core.do.save, "error", err instanceof Problem ? err.said(lang) : String(err));
    } finally {
      setBusy(false);
    }
  };
  useKeys([
    {
      keys: "mod+s",
      label: core.do.save,
      group: core.keys.page,
      always: true,
      run: () => dirty && !busy && void save(),
    },
  ]);

  const remove = async () => {
    if (!sure) {
      setSure(true);
      return;
    }
    try {
      await del(docPath(path), { match: etag(docPath(path)) });
      say(shipped === undefined ? w.removed : w.resetDone);
      done();
      go(withSearch({ edit: undefined, open: shipped === undefined ? undefined : path }));
    } catch (err) {
      say(w.remove, "error", err instanceof Problem ? err.said(lang) : String(err));
    }
  };
  const jump = (f: Fault) => {
    const el = area.current;
    if (!el) return;
    const lines = text.split("\n");
    const at = lines.slice(0, f.line - 1).reduce((n, l) => n + l.length + 1, 0) + Math.max(0, f.column - 1);
    el.focus();
    el.setSelectionRange(at, at);
    el.scrollTop = Math.max(0, (f.line - 4) * 20);
  };
  const difference = useMemo(() => (theirs === undefined ? [] : hunks(diff(theirs, text))), [theirs, text]);
  return (
    <div className="doc">
      <div className="doc-bar">
        <span className="mono faint cut">
          <Hostile text={path} />
        </span>
        {dirty && <span className="tag tag-warn">{w.dirty}</span>}
        {faults.length === 0 ? (
          <span className="doc-fine tone-good">
            <Icon name="check" size={12} /> {w.fine}
          </span>
        ) : (
          <span className="tag tag-bad">{faults.length}</span>
        )}
        <span className="grow" />
        {markdown && (
          <SegmentedControl
            value={view}
            onChange={(v) => setView(v as typeof view)}
            data={[
              { value: "write", label: w.write },
              { value: "both", label: w.both },
              { value: "preview", label: w.preview },
            ]}
          />
        )}
        {!fresh && shipped === false && (
          <Button variant="subtle" color="red" onClick={() => void remove()}>
            {sure ? `${w.sure}: ` : ""}
            {w.remove}
          </Button>
        )}
        <Button variant="subtle" onClick={() => (!dirty || window.confirm(w.leave)) && leave()}>
          {core.do.cancel}
        </Button>
        <Button variant="filled" loading={busy} disabled={!dirty} onClick={() => void save()}>
          {core.do.save}
        </Button>
      </div>
      {theirs !== undefined && (
        <section className="doc-conflict" role="alert">
          <strong>{w.conflict.title}</strong>
          <p className="dim">{w.conflict.doc}</p>
          {difference.length === 0 || theirs === text ? (
            <p>{w.conflict.none}</p>
          ) : (
            <pre className="doc-diff">
              {difference.map((l, i) =>
                l === null ? (
                  <div key={i} className="faint">
                    ⋯
                  </div>
                ) : (
                  <div key={i} className={`diff-${l.kind}`}>
                    {{ same: " ", out: "−", in: "+" }[l.kind]} <Hostile text={l.text} />
                  </div>
                ),
              )}
            </pre>
          )}
          <div className="row wrap">
            <Button
              onClick={() => {
                setText(theirs);
                setBase(theirs);
                setTheirs(undefined);
              }}
            >
              {w.conflict.take}
            </Button>
            <Button variant="filled" onClick={() => void save(etag(docPath(path)))}>
              {w.conflict.mine}
            </Button>
          </div>
        </section>
      )}
      {faults.length > 0 && (
        <ul className="doc-faults">
          {faults.slice(0, 8).map((f, i) => (
            <li key={i}>
              <button type="button" onClick={() => jump(f)}>
                <span className="mono">{w.line(f.line, f.column)}</span> {(lang === "ja" && f.reason_ja) || f.reason}
                {f.hint && <span className="dim"> — {f.hint}</span>}
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className={markdown ? `doc-edit doc-edit-${view}` : "doc-edit doc-edit-write"}>
        {view !== "preview" && (
          <textarea
            ref={area}
            className="doc-area mono"
            value={text}
            aria-label={plain(path)}
            spellCheck={markdown}
            onChange={(e) => setText(e.currentTarget.value)}
          />
        )}
        {markdown && view !== "write" && (
          <div className="doc-preview">
            <Markdown text={text} link={(h) => resolve(path, h)} />
          </div>
        )}
      </div>
    </div>
  );
}
