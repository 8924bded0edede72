import { Button } from "@mantine/core";
import { lazy, Suspense, useCallback, useEffect } from "react";
import { query } from "../../api/client";
import type { Rule } from "../../api/types";
import { go, withSearch } from "../../app/go";
import { Link } from "../../app/Link";
import { usePrefs } from "../../app/prefs";
import { useSearch } from "../../app/router";
import { useCan } from "../../app/session";
import { count, useWords } from "../../i18n/words";
import { SeverityBadge } from "../../ui/Badges";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { Icon } from "../../ui/Icon";
import { ListView } from "../../ui/ListView";
import { Time } from "../../ui/Time";
import { isZero } from "../../ui/time";
import type { Column } from "../../ui/VirtualTable";
import { RuleTabs } from "./RuleTabs";
import { State } from "./State";
import { w as catalogue } from "./words";

const RuleView = lazy(() => import("../rule/RuleView").then((m) => ({ default: m.RuleView })));

// What fires most stands first: it is what one comes for.
const usual = "-findings";

const views = [
  { name: "all", q: "", sort: usual },
  { name: "on", q: "state:on", sort: usual },
  { name: "noisy", q: "noise:>0", sort: "-noise" },
  { name: "silent", q: "state:on fired:none", sort: "title" },
  { name: "tuned", q: "tuned:yes", sort: usual },
  { name: "refused", q: "state:refused,waiting", sort: "title" },
] as const;

/** Page lists the rules: what each looks for, and how much noise it makes. */
export function Page() {
  const w = useWords(catalogue);
  const { lang } = usePrefs();
  const search = useSearch();
  const canConfigure = useCan("configure");
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  const open = useCallback((r: Rule) => go(withSearch({ open: r.id }), { replace: !!search.open }), [search.open]);
  const columns = useCallback(
    (rows: Rule[]): Column<Rule>[] => {
      const most = Math.max(1, ...rows.map((r) => r.findings_7d));
      return [
        { id: "state", head: w.column.state, width: "86px", cell: (r) => <State state={r.state} /> },
        {
          id: "severity",
          head: w.column.severity,
          width: "96px",
          sort: "severity",
          cell: (r) => (r.severity ? <SeverityBadge level={r.severity} /> : <span className="faint">–</span>),
        },
        {
          id: "title",
          head: w.column.title,
          width: "minmax(200px, 3fr)",
          sort: "title",
          cell: (r) => (
            <span className="issue-title">
              <Link
                href={`/rules/${encodeURIComponent(r.id)}`}
                className="cut"
                onClick={(e) => !e.metaKey && !e.ctrlKey && (e.preventDefault(), open(r))}
              >
                <Hostile text={(lang === "ja" && r.title_ja) || r.title} />
              </Link>
              {r.tuned && <span className="tag tag-accent">{w.tuned}</span>}
              {r.mode === "count" && <span className="tag">{w.counted}</span>}
              {r.refusal && !r.refusal.warning && (
                <span className="faint cut">
                  <Hostile text={r.refusal.reason} />
                </span>
              )}
            </span>
          ),
        },
        {
          id: "techniques",
          head: w.column.techniques,
          width: "minmax(90px, 1fr)",
          min: 860,
          cell: (r) => (
            <span className="mono dim">
              {r.techniques?.length ? r.techniques.join(" ") : <span className="faint">–</span>}
            </span>
          ),
        },
        {
          id: "engine",
          head: w.column.engine,
          width: "76px",
          sort: "engine",
          min: 720,
          cell: (r) => <span className="dim">{r.engine ?? "–"}</span>,
        },
        {
          id: "noise",
          head: w.column.findings,
          width: "130px",
          sort: "findings",
          align: "end",
          min: 560,
          cell: (r) => (
            <Link className="rule-noise" href={`/issues${query({ q: `rule:"${r.id}"` })}`} tabIndex={-1}>
              <svg width="60" height="8" aria-hidden="true">
                <rect width={(Math.sqrt(r.findings_7d / most) * 60).toFixed(1)} height="8" rx="2" />
              </svg>
              <span className={r.findings_7d ? "num" : "num faint"}>{count(r.findings_7d, lang)}</span>
            </Link>
          ),
        },
        {
          id: "fired",
          head: w.column.fired,
          width: "92px",
          sort: "fired",
          align: "end",
          min: 510,
          cell: (r) => (isZero(r.last_fired) ? <span className="faint">{w.never}</span> : <Time at={r.last_fired} />),
        },
      ];
    },
    [w, lang, open],
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        <RuleTabs at="rules" />
        <span className="grow" />
        {canConfigure && (
          <Button size="compact-sm" leftSection={<Icon name="plus" size={13} />} onClick={() => go("/rules/new")}>
            {w.make}
          </Button>
        )}
      </div>
      <ListView<Rule>
        list="rules"
        label={w.title}
        columns={columns}
        rowKey={(r) => r.id}
        sort={usual}
        hint="state:on severity:>=high technique:T1078"
        presets={views.map((v) => ({ label: w.views[v.name], q: v.q, sort: v.sort }))}
        rowClass={(r) => (r.state === "off" ? "row-quiet" : "")}
        first={
          <EmptyState title={w.empty} doc={w.emptyDoc} steps={[{ title: "yagura.yaml", code: "rules: [rules/]" }]} />
        }
        href={(r) => `/rules/${encodeURIComponent(r.id)}`}
        panelHref={(id) => `/rules/${encodeURIComponent(id)}`}
        panel={(id) => (
          <Suspense fallback={null}>
            <RuleView key={id} id={id} side />
          </Suspense>
        )}
      />
    </div>
  );
}
