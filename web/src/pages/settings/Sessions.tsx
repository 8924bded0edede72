import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { del, get, Problem } from "../../api/client";
import type { Page, SessionRow, User } from "../../api/types";
import { useLang } from "../../app/prefs";
import { say } from "../../app/undo";
import { useWords } from "../../i18n/words";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { Time } from "../../ui/Time";
import { agentName } from "./agent";
import { w as catalogue } from "./words";

/** MySessions are one's own sign-ins. */
export function MySessions() {
  const r = useQuery({
    queryKey: ["my-sessions"],
    queryFn: ({ signal }) => get<Page<SessionRow>>("/me/sessions", signal),
  });
  return <SessionTable list={r.data?.items ?? []} path="/me/sessions" refetch={() => void r.refetch()} />;
}

/** AllSessions are those of everybody. */
export function AllSessions() {
  const w = useWords(catalogue);
  const r = useQuery({ queryKey: ["sessions"], queryFn: ({ signal }) => get<Page<SessionRow>>("/sessions", signal) });
  const users = useQuery({
    queryKey: ["users-by-id"],
    queryFn: ({ signal }) => get<Page<User>>("/users?limit=1000", signal),
    staleTime: 60_000,
  });
  const names = new Map((users.data?.items ?? []).map((u) => [u.id, u.display || u.name]));
  const list = r.data?.items ?? [];
  return (
    <div className="page-body settings settings-wide">
      {r.data && list.length === 0 ? (
        <EmptyState title={w.session.none} />
      ) : (
        <SessionTable list={list} path="/sessions" names={names} refetch={() => void r.refetch()} />
      )}
    </div>
  );
}

/** SessionTable lists sessions, each with its end. */
export function SessionTable({
  list,
  path,
  names,
  refetch,
}: {
  list: SessionRow[];
  path: string;
  names?: Map<string, string>;
  refetch: () => void;
}) {
  const w = useWords(catalogue);
  const lang = useLang();
  const client = useQueryClient();
  const end = async (s: SessionRow) => {
    try {
      await del(`${path}/${encodeURIComponent(s.id)}`);
      say(w.session.ended);
      if (s.current) void client.invalidateQueries({ queryKey: ["session"] });
      refetch();
    } catch (err) {
      say(w.session.end, "error", err instanceof Problem ? err.said(lang) : String(err));
    }
  };
  return (
    <div className="table-wrap">
      <table className="table set-table">
        <thead>
          <tr>
            {names && <th>{w.session.user}</th>}
            <th>{w.session.agent}</th>
            <th>{w.session.from}</th>
            <th>{w.session.created}</th>
            <th>{w.session.seen}</th>
            <th>{w.session.expires}</th>
            <th>
              <span className="hide">{w.session.end}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((s) => (
            <tr key={s.id}>
              {names && (
                <td>
                  <Hostile text={names.get(s.user_id) ?? s.user_id} />
                </td>
              )}
              <td title={plain(s.agent)}>
                <Hostile text={agentName(s.agent)} />{" "}
                {s.current && <span className="tag tag-good">{w.session.current}</span>}
              </td>
              <td className="mono">
                <Hostile text={s.from} />
              </td>
              <td>
                <Time at={s.created} />
              </td>
              <td>
                <Time at={s.seen} />
              </td>
              <td>
                <Time at={s.expires} />
              </td>
              <td className="set-do">
                <Button size="compact-xs" onClick={() => void end(s)}>
                  {w.session.end}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
