import { useEffect, useMemo } from "react";
import type { EntityRow } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { SeverityBadge } from "../../ui/Badges";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { ListView } from "../../ui/ListView";
import { entityTerm } from "../../ui/pivot";
import { TabBar } from "../../ui/TabBar";
import { Time } from "../../ui/Time";
import { EntityLink, entityHref } from "../../ui/Value";
import type { Column } from "../../ui/VirtualTable";
import { w as accountWords } from "../accounts/words";
import { w as catalogue } from "./words";

/** Page is who and what was involved in anything. */
export function Page() {
  const w = useWords(catalogue);
  const accounts = useWords(accountWords);
  const core = useCore();
  const lang = useLang();
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  const columns = useMemo<Column<EntityRow>[]>(() => {
    const n = (x: number, r: EntityRow) =>
      x === 0 ? (
        <span className="faint num">0</span>
      ) : (
        <Link className="num" href={`/issues?${new URLSearchParams({ q: entityTerm(r.type, r.id) })}`}>
          {count(x, lang)}
        </Link>
      );
    return [
      {
        id: "type",
        head: w.column.type,
        width: "130px",
        sort: "type",
        min: 520,
        cell: (r) => <span className="dim">{(core.entity as Record<string, string>)[r.type] ?? r.type}</span>,
      },
      {
        id: "id",
        head: w.column.id,
        width: "minmax(200px, 4fr)",
        sort: "id",
        cell: (r) => <EntityLink type={r.type} id={r.id} />,
      },
      {
        id: "worst",
        head: w.column.worst,
        width: "110px",
        min: 760,
        cell: (r) =>
          !r.worst || r.worst === "none" ? <span className="faint">–</span> : <SeverityBadge level={r.worst} />,
      },
      {
        id: "issues",
        head: w.column.issues,
        width: "76px",
        sort: "issues",
        align: "end",
        cell: (r) => n(r.issues, r),
      },
      {
        id: "findings",
        head: w.column.findings,
        width: "86px",
        sort: "findings",
        align: "end",
        min: 620,
        cell: (r) => <span className={r.findings === 0 ? "faint num" : "num dim"}>{count(r.findings, lang)}</span>,
      },
      {
        id: "accounts",
        head: w.column.accounts,
        width: "minmax(118px, 1fr)",
        min: 1020,
        cell: (r) => (
          <span className="mono dim">
            <Hostile text={(r.accounts ?? []).join(", ")} />
          </span>
        ),
      },
      {
        id: "first",
        head: w.column.first,
        width: "100px",
        sort: "first",
        align: "end",
        min: 900,
        cell: (r) => <Time at={r.first_seen} />,
      },
      {
        id: "seen",
        head: w.column.last,
        width: "100px",
        sort: "seen",
        align: "end",
        cell: (r) => <Time at={r.last_seen} />,
      },
    ];
  }, [w, core, lang]);
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        <TabBar
          label={w.title}
          tabs={[
            { href: "/entities", label: w.title, on: true },
            { href: "/accounts", label: accounts.title, on: false },
          ]}
        />
      </div>
      <ListView<EntityRow>
        list="entities"
        label={w.title}
        columns={columns}
        rowKey={(r) => `${r.type}=${r.id}`}
        sort="-seen"
        hint="type:ip ip:203.0.113.0/24 issues:>1"
        href={(r) => entityHref(r.type, r.id)}
        presets={[
          { label: w.preset.ip, q: "type:ip" },
          { label: w.preset.user, q: "type:user,session" },
          { label: w.preset.key, q: "type:key" },
          { label: w.preset.fresh, q: "first:24h" },
        ]}
        cut={w.cut}
        first={<EmptyState title={w.none} doc={w.noneDoc} />}
      />
    </div>
  );
}
