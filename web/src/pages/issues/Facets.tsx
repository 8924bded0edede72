import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { get, query } from "../../api/client";
import { type Counted, type IssueCounts, type Severity, type Status, severities } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCore } from "../../i18n/core";
import { short, useWords } from "../../i18n/words";
import { SeverityBadge, StatusBadge } from "../../ui/Badges";
import { Hostile } from "../../ui/Hostile";
import { viewHref } from "./Views";
import { w as catalogue } from "./words";

const statuses = ["open", "reopened", "acknowledged", "closed"];

function ordered(items: Counted[] | null | undefined, order: readonly string[]): Counted[] {
  return (items ?? []).toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
}

/** Facets count the rows of the query by their values; each leads to the rows that have it. */
export function Facets({ q, sort }: { q: string; sort: string }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const counts = useQuery({
    queryKey: ["counts", q],
    queryFn: ({ signal }) => get<IssueCounts>(`/issues/counts${query({ q })}`, signal),
    staleTime: 15_000,
    placeholderData: (p) => p,
    retry: false,
  });
  const c = counts.data;
  const group = (title: string, items: Counted[] | null | undefined, name: (x: Counted) => ReactNode) =>
    items &&
    items.length > 0 && (
      <section>
        <h2>{title}</h2>
        <ul>
          {items.slice(0, 10).map((x) => (
            <li key={x.id}>
              <Link href={viewHref(x.q, sort)}>
                <span className="cut">{name(x)}</span>
                <span className="num faint">{short(x.n, lang)}</span>
              </Link>
            </li>
          ))}
        </ul>
      </section>
    );
  return (
    <aside className="facets" aria-label={w.facets.label}>
      {group(w.facets.severity, ordered(c?.severity, severities), (x) => (
        <SeverityBadge level={x.id as Severity} />
      ))}
      {group(w.facets.status, ordered(c?.status, statuses), (x) =>
        x.id === "reopened" ? core.status.reopened : <StatusBadge status={x.id as Status} />,
      )}
      {group(w.facets.rule, c?.rule, (x) => (
        <Hostile text={(lang === "ja" && x.name_ja) || x.name || x.id} />
      ))}
      {group(w.facets.account, c?.account, (x) =>
        x.id === "" ? w.facets.noAccount : <Hostile text={x.name || x.id} />,
      )}
      {group(w.facets.assignee, c?.assignee, (x) =>
        x.id === "" ? w.facets.nobody : <Hostile text={(x.name || x.id).replace(/^user:/, "")} />,
      )}
      {c && !c.exact && <p className="faint">{w.facets.cut}</p>}
    </aside>
  );
}
