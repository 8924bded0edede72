import { Button, Menu, Modal, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { get, Problem } from "../../api/client";
import { useList } from "../../api/list";
import type { Document, DocumentText } from "../../api/types";
import { go, withSearch } from "../../app/go";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useSearch } from "../../app/router";
import { useCan } from "../../app/session";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { EmptyState } from "../../ui/EmptyState";
import { FormFoot } from "../../ui/FormFoot";
import { Hostile } from "../../ui/Hostile";
import { Icon } from "../../ui/Icon";
import { Markdown } from "../../ui/Markdown";
import { QueryBar } from "../../ui/QueryBar";
import { TabBar } from "../../ui/TabBar";
import { Time } from "../../ui/Time";
import { resolve } from "./links";
import { w as catalogue } from "./words";
import "./documents.css";

const Editor = lazy(() => import("./DocumentEditor").then((m) => ({ default: m.DocumentEditor })));

const Settings = lazy(() => import("./TeamFile").then((m) => ({ default: m.TeamFile })));

export const docPath = (path: string) => `/documents/${path.split("/").map(encodeURIComponent).join("/")}`;

/** Page is the runbooks and the handbook: a list, and the one that is read or written. */
export function Page() {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const can = useCan("configure");
  const search = useSearch();
  const [adding, setAdding] = useState(false);
  // Runbooks stand in both languages: without a query, those of the other one are left out.
  const usual = lang === "ja" ? "-lang:en" : "-lang:ja";
  const q = search.q ?? usual;
  // What the team wrote stands first: what comes with the program is long.
  const ours = useList<Document>("documents", { q: `${q} shipped:no`.trim(), sort: "path" });
  const list = useList<Document>("documents", { q: `${q} shipped:yes`.trim(), sort: "path" });
  const open = search.open;
  const fresh = search.new;
  const tab = search.tab === "accounts" || search.tab === "notifications" ? search.tab : "documents";
  useEffect(() => {
    document.title = `${w.tabs[tab]} · Yagura`;
  }, [w, tab]);
  const groups = useMemo(() => {
    const by = new Map<string, Document[]>();
    for (const d of [...ours.rows, ...list.rows]) {
      const dir = d.path.includes("/") ? d.path.slice(0, d.path.lastIndexOf("/")) : "";
      by.set(dir, [...(by.get(dir) ?? []), d]);
    }
    return [...by];
  }, [ours.rows, list.rows]);
  const { more, fetchMore } = list;
  const empty = !list.loading && !ours.loading && !list.error && list.rows.length + ours.rows.length === 0;
  const none = empty && (q === "" || q === usual);
  const tabs = (
    <TabBar
      label={w.parts}
      tabs={(["documents", "accounts", "notifications"] as const).map((t) => ({
        href: t === "documents" ? "/documents" : `/documents?tab=${t}`,
        label: w.tabs[t],
        on: t === tab,
      }))}
    />
  );
  if (tab !== "documents")
    return (
      <div className="page">
        <div className="page-head">
          <h1>{w.title}</h1>
          {tabs}
        </div>
        <Suspense fallback={<div className="page-body" aria-busy="true" />}>
          <Settings key={tab} name={tab} />
        </Suspense>
      </div>
    );
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        {tabs}
        <QueryBar
          list="documents"
          value={q}
          error={list.error}
          placeholder="kind:runbook lang:ja CloudTrail"
          onChange={(text) => go(withSearch({ q: text || undefined }))}
        />
        {can && (
          <Button leftSection={<Icon name="plus" size={12} />} onClick={() => setAdding(true)}>
            {w.add}
          </Button>
        )}
      </div>
      {none && !fresh ? (
        <EmptyState title={w.none} doc={w.noneDoc} steps={[{ title: "yagura.yaml", code: "documents: ./documents" }]} />
      ) : (
        <div className="docs">
          <nav className={open || fresh ? "docs-list docs-behind" : "docs-list"} aria-label={w.title}>
            {list.error && !(list.error instanceof Problem && list.error.code === "bad_query") && (
              <div className="notice notice-bad">
                {list.error instanceof Problem ? list.error.said(lang) : list.error.message}
              </div>
            )}
            {empty && <p className="dim docs-none">{core.state.noMatch}</p>}
            {groups.map(([dir, docs]) => (
              <div key={dir}>
                {dir && <h2>{dir === "rules" ? w.ofRules : <Hostile text={dir} />}</h2>}
                <ul>
                  {docs.map((d) => (
                    <li key={d.path}>
                      <Link
                        href={withSearch({ open: d.path, new: undefined, edit: undefined })}
                        aria-current={d.path === open ? "page" : undefined}
                      >
                        <span className="cut">
                          <Hostile text={d.title} />
                        </span>
                        {d.lang && d.lang !== lang && <span className="faint docs-lang">{d.lang}</span>}
                        {d.shipped === false && <span className="docs-own" title={w.own} />}
                      </Link>
                    </li>
                  ))}
                </ul>
              </div>
            ))}
            {more && (
              <Button variant="subtle" onClick={fetchMore}>
                {core.do.more}
              </Button>
            )}
          </nav>
          <div className="docs-main">
            {fresh ? (
              <Suspense fallback={null}>
                <Editor key={`new ${fresh}`} path={fresh} text={w.template} fresh />
              </Suspense>
            ) : open ? (
              <One key={open} path={open} />
            ) : (
              <EmptyState title={w.choose} doc={w.chooseDoc} />
            )}
          </div>
        </div>
      )}
      {adding && <Add close={() => setAdding(false)} />}
    </div>
  );
}

function Add({ close }: { close: () => void }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const [path, setPath] = useState(lang === "ja" ? "runbooks/.ja.md" : "runbooks/.md");
  const good =
    /^[^\s/][^\n]*[^\s/.][^/]*\.(md|yaml|yml|txt)$/.test(path) && !path.includes("..") && !/(^|\/)\./.test(path);
  return (
    <Modal opened onClose={close} title={w.add} size={460}>
      <form
        className="docs-add"
        onSubmit={(e) => {
          e.preventDefault();
          if (!good) return;
          close();
          go(withSearch({ new: path, open: undefined, edit: undefined }));
        }}
      >
        <TextInput
          label={w.path}
          description={w.pathDoc}
          value={path}
          onChange={(e) => setPath(e.currentTarget.value)}
          onFocus={(e) => e.currentTarget.setSelectionRange(9, 9)}
          data-autofocus
          spellCheck={false}
          classNames={{ input: "mono" }}
        />
        <FormFoot cancel={close} label={w.write} disabled={!good} />
      </form>
    </Modal>
  );
}

function One({ path }: { path: string }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const can = useCan("configure");
  const search = useSearch();
  const client = useQueryClient();
  const r = useQuery({
    queryKey: ["document", path],
    queryFn: ({ signal }) => get<DocumentText>(docPath(path), signal),
    retry: false,
    refetchOnWindowFocus: false,
  });
  const d = r.data;
  if (r.error)
    return (
      <EmptyState
        title={r.error instanceof Problem && r.error.status !== 404 ? r.error.said(lang) : w.gone}
        doc={<Hostile text={path} mono />}
      />
    );
  if (!d) return null;
  if (search.edit && can && d.editable !== false)
    return (
      <Suspense fallback={null}>
        <Editor path={path} text={d.text} shipped={d.shipped} />
      </Suspense>
    );
  const heads = headings(d.text);
  return (
    <article className="doc">
      <div className="doc-bar">
        <Link href={withSearch({ open: undefined })} className="doc-back dim">
          <Icon name="left" size={12} />
        </Link>
        <span className="mono faint cut">
          <Hostile text={d.path} />
        </span>
        <span className="tag">{w.kind[d.kind] ?? d.kind}</span>
        <span className={d.shipped ? "tag" : "tag tag-accent"}>{d.shipped ? w.shipped : w.own}</span>
        {d.rule && (
          <Link href={`/rules/${encodeURIComponent(d.rule)}`} className="dim">
            {w.rule}
          </Link>
        )}
        <span className="grow" />
        {d.updated && (
          <span className="faint">
            <Time at={d.updated} />
          </span>
        )}
        {can && d.editable !== false && (
          <Button leftSection={<Icon name="edit" size={12} />} onClick={() => go(withSearch({ edit: "1" }))}>
            {w.edit}
          </Button>
        )}
        <Menu>
          <Menu.Target>
            <Button variant="subtle" aria-label={core.do.more}>
              <Icon name="more" />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => window.print()}>{w.print}</Menu.Item>
            <Menu.Item onClick={() => void client.invalidateQueries({ queryKey: ["document", path] })}>
              {core.do.reload}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      <div className="doc-body">
        <div className="doc-text">
          {/\.(ya?ml|txt)$/.test(d.path) ? (
            <pre className="doc-plain">
              <Hostile text={d.text} />
            </pre>
          ) : (
            <Markdown text={d.text} link={(h) => resolve(d.path, h)} />
          )}
        </div>
        {heads.length > 2 && (
          <nav className="doc-contents" aria-label={w.contents}>
            <h2>{w.contents}</h2>
            {heads.map((h, i) => (
              <button
                key={i}
                type="button"
                className={`doc-h${h.level}`}
                onClick={() =>
                  document.querySelectorAll(".doc-text :is(h2,h3,h4,h5,h6)")[i]?.scrollIntoView({ block: "start" })
                }
              >
                <Hostile text={h.text} />
              </button>
            ))}
          </nav>
        )}
      </div>
    </article>
  );
}

/** headings are those of a Markdown text outside of code, in their order. */
export function headings(text: string): { level: number; text: string }[] {
  const out: { level: number; text: string }[] = [];
  let code = "";
  for (const l of text.split("\n")) {
    const fence = /^ {0,3}(```+|~~~+)/.exec(l)?.[1];
    if (code) {
      if (fence && fence[0] === code[0] && fence.length >= code.length) code = "";
    } else if (fence) code = fence;
    else {
      const m = /^(#{1,6})\s+(.*?)\s*#*\s*$/.exec(l);
      if (m) out.push({ level: m[1]!.length, text: m[2]!.replace(/[*_`]/g, "") });
    }
  }
  return out;
}
