import { lazy, Suspense, useEffect, useMemo } from "react";
import { eventHref } from "../../api/events";
import type { Event } from "../../api/types";
import { useWords } from "../../i18n/words";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { ListView } from "../../ui/ListView";
import { Time } from "../../ui/Time";
import type { Column } from "../../ui/VirtualTable";
import { w as catalogue } from "./words";

const EventView = lazy(() => import("../event/EventView").then((m) => ({ default: m.EventView })));

/** Page is what came: the records of the lake, the newest first. */
export function Page() {
  const w = useWords(catalogue);
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  const columns = useMemo<Column<Event>[]>(() => {
    const dim = (text?: string) => (
      <span className="dim">
        <Hostile mono text={text ?? ""} />
      </span>
    );
    return [
      {
        id: "time",
        head: w.column.time,
        width: "92px",
        sort: "time",
        cell: (e) => <Time at={e.time} />,
      },
      {
        id: "action",
        head: w.column.action,
        width: "minmax(130px, 2fr)",
        cell: (e) => <Hostile mono text={e.action ?? ""} />,
      },
      {
        id: "actor",
        head: w.column.actor,
        width: "minmax(110px, 1.6fr)",
        cell: (e) => <Hostile mono text={e.actor.name || e.actor.id || ""} />,
      },
      {
        id: "target",
        head: w.column.target,
        width: "minmax(110px, 1.6fr)",
        min: 1180,
        cell: (e) => dim(e.targets?.[0]?.id),
      },
      { id: "ip", head: w.column.ip, width: "132px", min: 720, cell: (e) => dim(e.src_ip) },
      {
        id: "account",
        head: w.column.account,
        width: "minmax(100px, 1fr)",
        min: 900,
        cell: (e) => dim(e.account_name || e.account),
      },
      { id: "format", head: w.column.format, width: "132px", min: 1020, cell: (e) => dim(e.format) },
      {
        id: "outcome",
        head: w.column.outcome,
        width: "78px",
        min: 620,
        cell: (e) =>
          e.outcome === "failure" ? (
            <span className="tone-warn">{w.outcome.failure}</span>
          ) : (
            <span className="dim">{e.outcome === "success" ? w.outcome.success : "–"}</span>
          ),
      },
    ];
  }, [w]);
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
      </div>
      <ListView<Event>
        list="events"
        label={w.title}
        columns={columns}
        rowKey={rowKey}
        sort="-time"
        hint="actor:mary ip:203.0.113.0/24 time:24h"
        presets={[
          { label: w.preset.day, q: "time:24h" },
          { label: w.preset.failed, q: "outcome:failure" },
          { label: w.preset.foreign, q: "country:*" },
        ]}
        first={<EmptyState title={w.none} doc={w.noneDoc} />}
        panel={(open) => (
          <Suspense fallback={null}>
            <EventView key={open} event={ofRow(open)} />
          </Suspense>
        )}
        panelHref={(open) => eventHref(ofRow(open))}
      />
    </div>
  );
}

/** rowKey says which event, and where to look for it: an address with it opens it at once. */
function rowKey(e: Event): string {
  return [e.key, e.time ?? "", e.format].join("~");
}

function ofRow(open: string): { key: string; time?: string; format?: string } {
  const [key, time, format] = open.split("~");
  return { key: key ?? "", time: time || undefined, format: format || undefined };
}
