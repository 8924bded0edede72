import { Button, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { get, Problem, post } from "../../api/client";
import type { DeadLetter, DeadLetterBytes, DeadLetterRetried } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCan } from "../../app/session";
import { say } from "../../app/undo";
import { count, useWords } from "../../i18n/words";
import { EmptyState } from "../../ui/EmptyState";
import { bytes } from "../../ui/format";
import { Hostile } from "../../ui/Hostile";
import { ListView } from "../../ui/ListView";
import { StateMark } from "../../ui/StateMark";
import { Time } from "../../ui/Time";
import type { Column } from "../../ui/VirtualTable";
import { asText, dump, fromBase64, looksBinary } from "./dump";
import { w as catalogue } from "./words";

/** DeadLetters are the records that could not be decoded or judged, with their bytes. */
export function DeadLetters() {
  const w = useWords(catalogue);
  const lang = useLang();
  const c = w.letters.column;
  const columns = useMemo<Column<DeadLetter>[]>(
    () => [
      { id: "at", head: c.at, width: "92px", sort: "at", cell: (d) => <Time at={d.at} /> },
      {
        id: "source",
        head: c.source,
        width: "minmax(90px, 0.8fr)",
        sort: "source",
        min: 520,
        cell: (d) => <Hostile text={d.source} />,
      },
      {
        id: "format",
        head: c.format,
        width: "minmax(90px, 0.8fr)",
        min: 760,
        cell: (d) => <span className="dim">{d.format || "–"}</span>,
      },
      { id: "reason", head: c.reason, width: "minmax(140px, 2fr)", cell: (d) => <Hostile text={d.reason} /> },
      {
        id: "preview",
        head: c.preview,
        width: "minmax(120px, 2fr)",
        min: 900,
        cell: (d) => (
          <span className="dim">
            <Hostile mono text={d.preview ?? ""} />
          </span>
        ),
      },
      {
        id: "size",
        head: c.size,
        width: "84px",
        sort: "size",
        align: "end",
        min: 600,
        cell: (d) => <span className="num dim">{bytes(d.size, lang)}</span>,
      },
      {
        id: "retried",
        head: c.retried,
        width: "120px",
        align: "end",
        min: 700,
        cell: (d) => (d.retried ? <Time at={d.retried} /> : <span className="faint">–</span>),
      },
    ],
    [w, lang],
  );
  return (
    <ListView<DeadLetter>
      list="dead-letters"
      label={w.tab.letters}
      columns={columns}
      rowKey={(d) => d.id}
      sort="-at"
      hint="source:aws* at:7d -retried:yes"
      presets={[
        { label: w.letters.preset.open, q: "retried:no" },
        { label: w.letters.preset.retried, q: "retried:yes" },
      ]}
      first={<EmptyState title={w.letters.none} doc={w.letters.noneDoc} />}
      rowClass={(d) => (d.retried ? "row-quiet" : "")}
      panel={(key, _, list) => <One key={key} id={key} changed={() => void list.refetch()} />}
    />
  );
}

const step = 4096;

function One({ id, changed }: { id: string; changed: () => void }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const can = useCan("configure");
  const [busy, setBusy] = useState(false);
  const [most, setMost] = useState(step);
  const [view, setView] = useState<"text" | "hex">();
  const path = `/dead-letters/${encodeURIComponent(id)}`;
  const r = useQuery({
    queryKey: ["dead-letter", id],
    queryFn: ({ signal }) => get<DeadLetterBytes>(path, signal),
    retry: false,
  });
  const raw = useMemo(() => fromBase64(r.data?.bytes ?? ""), [r.data?.bytes]);
  const text = useMemo(() => asText(raw), [raw]);
  if (r.error)
    return <EmptyState title={w.letters.gone} doc={r.error instanceof Problem ? r.error.said(lang) : undefined} />;
  const d = r.data;
  if (!d) return null;
  const mode = view ?? (looksBinary(raw) ? "hex" : "text");
  const retry = async () => {
    setBusy(true);
    try {
      const a = await post<DeadLetterRetried>(`${path}/retry`);
      if (a.done) say(w.letters.done);
      else say(w.letters.still(a.reason ?? ""), "error");
      await r.refetch();
      changed();
    } catch (err) {
      say(w.letters.retry, "error", err instanceof Problem ? err.said(lang) : String(err));
    } finally {
      setBusy(false);
    }
  };
  const download = () => {
    const url = URL.createObjectURL(new Blob([raw as Uint8Array<ArrayBuffer>], { type: "application/octet-stream" }));
    const a = document.createElement("a");
    a.href = url;
    a.download = `${d.id}.bin`;
    a.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };
  return (
    <>
      <section className="section">
        <div className="row wrap">
          <h1>
            <Hostile text={d.reason} />
          </h1>
        </div>
        <dl className="facts one-facts">
          <dt>{w.letters.column.retried}</dt>
          <dd>
            {d.retried ? <Time at={d.retried} mode="exact" /> : <StateMark state="waiting" word={w.letters.waits} />}
          </dd>
          <dt>{w.letters.column.source}</dt>
          <dd>
            <Link href={`/sources?open=${encodeURIComponent(d.source)}`}>
              <Hostile text={d.source} />
            </Link>
          </dd>
          <dt>{w.letters.column.object}</dt>
          <dd className="mono">
            <Hostile text={d.object} />
          </dd>
          <dt>{w.letters.column.record}</dt>
          <dd className="num">
            {w.letters.number(count(d.record + 1, lang))}
            <span className="faint">
              {" "}
              · {w.letters.column.offset} {count(d.offset, lang)}
            </span>
          </dd>
          {d.format && (
            <>
              <dt>{w.letters.column.format}</dt>
              <dd className="mono">{d.format}</dd>
            </>
          )}
          <dt>{w.letters.column.size}</dt>
          <dd className="num">{bytes(d.size, lang)}</dd>
          <dt>{w.letters.column.at}</dt>
          <dd>
            <Time at={d.at} mode="exact" />
          </dd>
        </dl>
        <div className="row wrap one-facts">
          {can && !d.retried && (
            <Button variant="filled" loading={busy} onClick={() => void retry()} title={w.letters.retryDoc}>
              {w.letters.retry}
            </Button>
          )}
          <Button onClick={download}>{w.letters.download}</Button>
        </div>
      </section>
      <section className="section">
        <div className="section-head">
          <h2>{w.letters.column.preview}</h2>
          <SegmentedControl
            value={mode}
            onChange={(v) => setView(v as "text" | "hex")}
            data={[
              { value: "text", label: w.letters.text },
              { value: "hex", label: w.letters.hex },
            ]}
          />
          {text.bad > 0 && <span className="tag tag-warn">{w.letters.bad(count(text.bad, lang))}</span>}
        </div>
        <div className="raw">
          <div className={mode === "hex" ? "raw-lines" : "raw-lines wrap-lines"}>
            {mode === "hex" ? (
              dump(raw, most).map((l) => (
                <div key={l.at} className="raw-line">
                  <span className="dump-at faint">{l.at}</span>
                  <span className="dump-hex">{l.hex}</span>
                  <span className="dump-text dim">{l.text}</span>
                </div>
              ))
            ) : (
              <div className="dump-plain">
                <Hostile text={text.text.slice(0, most)} />
              </div>
            )}
          </div>
          <div className="raw-foot">
            {(raw.length > most || raw.length < d.size) && (
              <span className="faint dump-cut">
                {w.letters.cut(bytes(Math.min(most, raw.length), lang), bytes(d.size, lang))}
              </span>
            )}
            {raw.length > most && (
              <Button variant="subtle" size="compact-xs" onClick={() => setMost(most * 4)}>
                {w.letters.more}
              </Button>
            )}
          </div>
        </div>
      </section>
    </>
  );
}
