import { lazy, Suspense, useEffect, useMemo } from "react";
import type { FindingRow } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { SeverityBadge } from "../../ui/Badges";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { ListView } from "../../ui/ListView";
import { Time } from "../../ui/Time";
import type { Column } from "../../ui/VirtualTable";
import { w as catalogue } from "./words";

const FindingView = lazy(() => import("../finding/FindingView").then((m) => ({ default: m.FindingView })));

/** Page is what rules said, finding by finding. */
export function Page() {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  const columns = useMemo<Column<FindingRow>[]>(
    () => [
      {
        id: "severity",
        head: w.column.severity,
        width: "96px",
        sort: "severity",
        cell: (f) => <SeverityBadge level={f.judged ?? f.severity} />,
      },
      {
        id: "rule",
        head: w.column.rule,
        width: "minmax(160px, 2.4fr)",
        sort: "rule",
        cell: (f) => (
          <span className="row">
            <span className="cut">
              <Hostile text={(lang === "ja" && f.rule_title_ja) || f.rule.title || f.rule.id} />
            </span>
            {f.suppressed && <span className="tag">{w.quiet}</span>}
            {f.mode === "count" && <span className="tag">{w.count}</span>}
            {f.retro && <span className="tag">{w.retro}</span>}
          </span>
        ),
      },
      {
        id: "action",
        head: w.column.action,
        width: "minmax(110px, 1.2fr)",
        min: 760,
        cell: (f) => <Hostile mono text={f.event?.action ?? ""} />,
      },
      {
        id: "actor",
        head: w.column.actor,
        width: "minmax(110px, 1.2fr)",
        min: 620,
        cell: (f) => (
          <span className="dim">
            <Hostile mono text={f.event?.actor?.name || f.event?.actor?.id || ""} />
          </span>
        ),
      },
      {
        id: "ip",
        head: w.column.ip,
        width: "128px",
        min: 980,
        cell: (f) => (
          <span className="dim">
            <Hostile mono text={f.event?.src_ip ?? ""} />
          </span>
        ),
      },
      {
        id: "account",
        head: w.column.account,
        width: "128px",
        sort: "account",
        min: 1100,
        cell: (f) => (
          <span className="dim">
            <Hostile mono text={f.event?.account ?? ""} />
          </span>
        ),
      },
      {
        id: "issue",
        head: w.column.issue,
        width: "70px",
        min: 860,
        cell: (f) =>
          f.issue_id ? <Link href={`/issues/${f.issue_id}`}>{core.do.open}</Link> : <span className="faint">–</span>,
      },
      { id: "time", head: w.column.time, width: "92px", sort: "time", align: "end", cell: (f) => <Time at={f.time} /> },
    ],
    [w, core, lang],
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
      </div>
      <ListView<FindingRow>
        list="findings"
        label={w.title}
        columns={columns}
        rowKey={(f) => f.id}
        sort="-seen"
        hint="severity:>=high seen:24h technique:T1078"
        presets={[
          { label: w.preset.day, q: "seen:24h" },
          { label: w.preset.high, q: "severity:>=high" },
          { label: w.preset.quiet, q: "suppressed:yes" },
        ]}
        rowClass={(f) => (f.suppressed || f.mode === "count" ? "row-quiet" : "")}
        first={<EmptyState title={w.none} doc={w.noneDoc} />}
        panel={(id) => (
          <Suspense fallback={null}>
            <FindingView key={id} id={id} />
          </Suspense>
        )}
        panelHref={(id) => `/findings/${encodeURIComponent(id)}`}
      />
    </div>
  );
}
