import { lazy, Suspense } from "react";
import type { Entity, Issue } from "../../api/types";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { w as graphWords } from "../../ui/graph.words";
import { EntityLink } from "../../ui/Value";

const EntityGraph = lazy(() => import("../../ui/EntityGraph").then((m) => ({ default: m.EntityGraph })));

/** Entities are who and what the issue is about, and what else they hang together with. */
export function Entities({ issue }: { issue: Issue }) {
  const g = useWords(graphWords);
  const core = useCore();
  const by = new Map<string, Entity[]>();
  for (const e of issue.entities ?? []) by.set(e.type, [...(by.get(e.type) ?? []), e]);
  return (
    <>
      {by.size > 0 && (
        <section className="section">
          <dl className="facts">
            {[...by].map(([type, list]) => (
              <div key={type} className="facts-row">
                <dt>{(core.entity as Record<string, string>)[type] ?? type}</dt>
                <dd className={list.length > 4 ? "facts-many" : undefined}>
                  {list.map((e) => (
                    <div key={e.id}>
                      <EntityLink type={e.type} id={e.id} />
                    </div>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      <section className="section">
        <h2>{g.title}</h2>
        <Suspense fallback={<div className="graph" aria-busy="true" />}>
          <EntityGraph path={`/issues/${encodeURIComponent(issue.id)}/graph`} root={`issue/${issue.id}`} />
        </Suspense>
      </section>
    </>
  );
}
