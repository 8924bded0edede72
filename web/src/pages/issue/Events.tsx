import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { get, query } from "../../api/client";
import { eventHref } from "../../api/events";
import type { Entity, EventMatch, Issue, Page } from "../../api/types";
import { Link } from "../../app/Link";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { CopyMenu } from "../../ui/Copy";
import { Hostile } from "../../ui/Hostile";
import { RawEvent } from "../../ui/RawEvent";
import { Time } from "../../ui/Time";
import { EntityLink } from "../../ui/Value";
import { w as findings } from "../findings/words";
import { w as catalogue } from "./words";

/** Events are the records behind an issue, as they were received. */
export function Events({ issue }: { issue: Issue }) {
  const w = useWords(catalogue);
  const core = useCore();
  const { missing } = useWords(findings);
  const r = useInfiniteQuery({
    queryKey: ["issue", issue.id, "events"],
    queryFn: ({ pageParam, signal }) =>
      get<Page<EventMatch>>(
        `/issues/${encodeURIComponent(issue.id)}/events${query({ cursor: pageParam || undefined, limit: 10 })}`,
        signal,
      ),
    initialPageParam: "",
    getNextPageParam: (p) => p.next || undefined,
    retry: false,
  });
  const items = r.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  if (items.length === 0)
    return (
      <section className="section">
        <p className="dim plain">{r.isPending ? core.state.loading : w.events.none}</p>
      </section>
    );
  return (
    <>
      {items.map((e, i) => (
        <One key={`${e.finding_id} ${e.event.key} ${i}`} event={e} missing={missing} entities={issue.entities} />
      ))}
      {r.hasNextPage && (
        <section className="section">
          <Button onClick={() => void r.fetchNextPage()} loading={r.isFetchingNextPage}>
            {w.events.more}
          </Button>
        </section>
      )}
    </>
  );
}

function One({
  event: e,
  missing,
  entities,
}: {
  event: EventMatch;
  missing: Record<string, string>;
  entities: Entity[] | null;
}) {
  const raw = e.raw;
  return (
    <section className="section">
      <div className="section-head">
        <strong className="mono cut">
          {e.missing ? (
            <Hostile text={e.event.action} />
          ) : (
            <Link href={eventHref({ ...e.event, format: e.format })}>
              <Hostile text={e.event.action || e.event.id} />
            </Link>
          )}
        </strong>
        <span className="faint">
          <Time at={e.event.time} mode="exact" />
        </span>
        {e.event.src_ip && <EntityLink type="ip" id={e.event.src_ip} />}
        <span className="grow" />
        <CopyMenu
          of={{ event: { ...e.event, format: e.format }, raw, path: eventHref({ ...e.event, format: e.format }) }}
        />
      </div>
      {e.missing ? (
        <p className="dim plain">{missing[e.missing] ?? missing.not_in_lake}</p>
      ) : (
        <RawEvent raw={raw} clauses={e.clauses} limit={24} entities={entities} />
      )}
    </section>
  );
}
