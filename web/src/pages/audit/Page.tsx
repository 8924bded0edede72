import { Popover } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { get } from "../../api/client";
import type { Audit, AuditCheck } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { count, useWords } from "../../i18n/words";
import { CopyButton } from "../../ui/Copy";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { Icon } from "../../ui/Icon";
import { ListView } from "../../ui/ListView";
import { term } from "../../ui/pivot";
import { Time } from "../../ui/Time";
import type { Column } from "../../ui/VirtualTable";
import { subjectHref } from "./subject";
import { w as catalogue } from "./words";
import "./audit.css";

/** Page is the audit trail: who signed in, and what was changed. */
export function Page() {
  const w = useWords(catalogue);
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  const columns = useMemo<Column<Audit>[]>(
    () => [
      { id: "at", head: w.column.at, width: "148px", sort: "at", cell: (l) => <Time at={l.at} mode="exact" /> },
      { id: "who", head: w.column.who, width: "minmax(120px, 1.2fr)", cell: (l) => <Who who={l.who} /> },
      { id: "outcome", head: w.column.outcome, width: "82px", min: 620, cell: (l) => <Outcome line={l} /> },
      {
        id: "what",
        head: w.column.what,
        width: "minmax(110px, 0.9fr)",
        cell: (l) => (
          <span className={l.outcome === "refused" ? "tone-bad" : undefined} title={plain(l.what)}>
            <What code={l.what} />
          </span>
        ),
      },
      {
        id: "on",
        head: w.column.on,
        width: "minmax(120px, 1.3fr)",
        min: 680,
        cell: (l) => {
          const href = subjectHref(l.on);
          if (!l.on) return <span className="faint">–</span>;
          return href ? (
            <Link href={href} className="mono dim">
              <Hostile text={l.on} />
            </Link>
          ) : (
            <span className="mono dim">
              <Hostile text={l.on} />
            </span>
          );
        },
      },
      {
        id: "detail",
        head: w.column.detail,
        width: "minmax(120px, 2fr)",
        min: 820,
        cell: (l) => <Hostile text={l.detail ?? ""} />,
      },
      {
        id: "from",
        head: w.column.from,
        width: "130px",
        min: 980,
        cell: (l) => <span className="mono dim">{l.from}</span>,
      },
    ],
    [w],
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        <span className="grow" />
        <Chain />
      </div>
      <ListView<Audit>
        list="audit"
        label={w.title}
        columns={columns}
        rowKey={(l) => String(l.seq)}
        sort="-at"
        hint="who:me what:issue at:today outcome:refused"
        presets={[
          { label: w.preset.refused, q: "outcome:refused" },
          { label: w.preset.signIn, q: "what:sign_in" },
          { label: w.preset.issue, q: "what:issue" },
          { label: w.preset.access, q: "what:user,token" },
          { label: w.preset.rules, q: "what:rule,policy,suppression" },
        ]}
        first={<EmptyState title={w.none} doc={w.noneDoc} />}
        panel={(_, row, list) => (row ? <One line={row} /> : list.loading ? null : <EmptyState title={w.gone} />)}
      />
    </div>
  );
}

function Who({ who }: { who: string }) {
  const w = useWords(catalogue);
  if (!who) return <span className="faint">{w.stranger}</span>;
  return <Hostile text={who.replace(/^user:/, "")} />;
}

/** What says a deed in words; one without words stands as its code. */
function What({ code }: { code: string }) {
  const w = useWords(catalogue);
  return Object.hasOwn(w.whats, code) ? w.whats[code] : <Hostile mono text={code} />;
}

function Outcome({ line }: { line: Audit }) {
  const w = useWords(catalogue);
  const done = line.outcome === "done";
  return (
    <span className={done ? "audit-outcome dim" : "audit-outcome tone-bad"}>
      <Icon name={done ? "check" : "close"} size={11} /> {done ? w.done : w.refused}
    </span>
  );
}

/** Chain says whether the trail is what was written. */
function Chain() {
  const w = useWords(catalogue);
  const lang = useLang();
  const r = useQuery({
    queryKey: ["audit-check"],
    queryFn: ({ signal }) => get<AuditCheck>("/audit/check", signal),
    staleTime: 60_000,
    retry: false,
  });
  const c = r.data;
  const said = r.isPending
    ? w.chain.checking
    : !c
      ? w.chain.unknown
      : c.ok
        ? w.chain.ok(count(c.lines, lang))
        : w.chain.broken(count(c.broken_at ?? 0, lang));
  return (
    <Popover position="bottom-end" width={420}>
      <Popover.Target>
        <button type="button" className={`chain ${!c ? "" : c.ok ? "tone-good" : "tone-bad"}`}>
          <Icon name={c?.ok ? "link" : c ? "issue" : "info"} size={13} /> {said}
        </button>
      </Popover.Target>
      <Popover.Dropdown p={14}>
        <p className="chain-doc">{c && !c.ok ? w.chain.brokenDoc : w.chain.doc}</p>
        {c?.reason && (
          <p className="mono tone-bad chain-doc">
            <Hostile text={c.reason} />
          </p>
        )}
        {c?.head && (
          <>
            <div className="faint">{w.chain.head}</div>
            <div className="chain-hash">
              <code>{c.head}</code>
              <CopyButton text={c.head} />
            </div>
          </>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function One({ line: l }: { line: Audit }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const href = subjectHref(l.on);
  const all = (q: string, label: string) => (
    <Link href={`/audit?${new URLSearchParams({ q })}`} className="audit-all">
      {label}
    </Link>
  );
  const row = (label: string, value: React.ReactNode) => (
    <>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </>
  );
  return (
    <section className="section">
      <div className="row wrap">
        <h1>
          <What code={l.what} />
        </h1>
        <Hostile mono text={l.what} />
        <Outcome line={l} />
      </div>
      <dl className="facts audit-facts">
        {row(w.column.seq, <span className="num">{count(l.seq, lang)}</span>)}
        {row(w.column.at, <Time at={l.at} mode="exact" />)}
        {row(
          w.column.who,
          <>
            {l.who ? <Hostile mono text={l.who} /> : <span className="faint">{w.stranger}</span>}{" "}
            {l.who && all(term("who", l.who), w.same)}
          </>,
        )}
        {l.on &&
          row(
            w.column.on,
            <>
              <Hostile mono text={l.on} /> {href && <Link href={href}>{w.open}</Link>} {all(term("on", l.on), w.sameOn)}
            </>,
          )}
        {l.from && row(w.column.from, <Hostile mono text={l.from} />)}
        {l.request &&
          row(
            w.column.request,
            <>
              {<Hostile mono text={l.request} />} {all(term("request", l.request), w.sameRequest)}
            </>,
          )}
        {l.detail && row(w.column.detail, <Hostile text={l.detail} />)}
      </dl>
    </section>
  );
}
