import { useQuery, useQueryClient } from "@tanstack/react-query";
import { get, query } from "../../api/client";
import { useStream } from "../../api/stream";
import type { Issue, Notice, Page } from "../../api/types";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { Hostile } from "../../ui/Hostile";
import { Retry } from "../../ui/Retry";
import { Time } from "../../ui/Time";
import { isZero } from "../../ui/time";
import { w as catalogue } from "./words";

const tones = { waiting: "tag-warn", delivered: "tag-good", dead: "tag-bad" };

/** Notices are who was told of the issue, and where each message stands. */
export function Notices({ issue }: { issue: Issue }) {
  const w = useWords(catalogue);
  const core = useCore();
  const r = useQuery({
    queryKey: ["issue", issue.id, "notices"],
    queryFn: ({ signal }) =>
      get<Page<Notice>>(`/issues/${encodeURIComponent(issue.id)}/notices${query({ limit: 200 })}`, signal),
    retry: false,
  });
  const client = useQueryClient();
  useStream("notice", (n) => {
    if (n.issue_id === issue.id) void client.invalidateQueries({ queryKey: ["issue", issue.id, "notices"] });
  });
  const items = r.data?.items ?? [];
  return (
    <section className="section">
      {items.length === 0 ? (
        <p className="dim plain">{r.isPending ? core.state.loading : w.notices.none}</p>
      ) : (
        <div className="table-wrap">
          <table className="table">
            <thead>
              <tr>
                <th>{w.notices.sink}</th>
                <th>{w.notices.what}</th>
                <th>{w.notices.state}</th>
                <th>{w.notices.when}</th>
                <th className="num">{w.notices.attempts}</th>
                <th>{w.notices.detail}</th>
              </tr>
            </thead>
            <tbody>
              {items.map((n) => (
                <tr key={n.id}>
                  <td className="mono">
                    <Hostile text={n.sink} />
                  </td>
                  <td>{(w.notices.op as Record<string, string>)[n.op] ?? n.op}</td>
                  <td>
                    <span className={`tag ${tones[n.state]}`}>{w.notices[n.state]}</span> <Retry notice={n} small />
                  </td>
                  <td className="dim">
                    <Time at={isZero(n.done) ? (isZero(n.due) ? n.created : n.due) : n.done} />
                  </td>
                  <td className="num">{n.attempts}</td>
                  <td className="why-value dim">
                    <Hostile text={n.error || n.detail || ""} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
