import { ActionIcon, Menu } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { del, etag, get, Problem, put } from "../../api/client";
import type { Page, ViewPage } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useSession } from "../../app/session";
import { hold, say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { Icon } from "../../ui/Icon";
import { Time } from "../../ui/Time";
import { w as catalogue } from "./words";

type SavedView = ViewPage & { mine?: boolean; updated?: string };

/** SavedViews are the lists that one kept, and those that colleagues share. */
export function SavedViews() {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const session = useSession();
  const client = useQueryClient();
  const r = useQuery({ queryKey: ["views"], queryFn: ({ signal }) => get<Page<SavedView>>("/views", signal) });
  const list = r.data?.items ?? [];
  const anew = () => void client.invalidateQueries({ queryKey: ["views"] });
  const share = async (v: SavedView) => {
    const path = `/views/${encodeURIComponent(v.id)}`;
    try {
      await get(path); // for its ETag: what is written is what is seen
      await put(
        path,
        { name: v.name, list: v.list, query: v.query, sort: v.sort, shared: !v.shared },
        { match: etag(path) },
      );
      anew();
    } catch (err) {
      say(w.view.share, "error", err instanceof Problem ? err.said(lang) : String(err));
    }
  };
  if (r.data && list.length === 0)
    return <EmptyState title={w.view.none} doc={<Link href="/issues">{w.view.noneDoc}</Link>} />;
  return (
    <div className="page-body settings settings-wide">
      <div className="table-wrap">
        <table className="table set-table">
          <thead>
            <tr>
              <th>{w.view.column.name}</th>
              <th>{w.view.column.list}</th>
              <th>{w.view.column.query}</th>
              <th>{w.view.column.owner}</th>
              <th>{w.view.column.shared}</th>
              <th>{w.view.column.updated}</th>
              <th>
                <span className="hide">{core.do.more}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {list.map((v) => {
              const mine = v.mine ?? v.owner === session.user.id;
              return (
                <tr key={v.id}>
                  <td>
                    <Link
                      href={`/${v.list}?${new URLSearchParams({ q: v.query, ...(v.sort ? { sort: v.sort } : {}) })}`}
                    >
                      <Hostile text={v.name} />
                    </Link>
                  </td>
                  <td className="dim">{(core.nav as Record<string, string>)[v.list] ?? v.list}</td>
                  <td className="mono view-query">
                    <Hostile text={v.query} />
                  </td>
                  <td>{mine ? w.view.mine : w.view.other}</td>
                  <td>
                    {v.shared ? (
                      <span className="tag tag-accent">{w.view.shared}</span>
                    ) : (
                      <span className="faint">{w.view.private}</span>
                    )}
                  </td>
                  <td>
                    <Time at={v.updated} />
                  </td>
                  <td className="set-do">
                    {mine && (
                      <Menu>
                        <Menu.Target>
                          <ActionIcon size="sm" aria-label={`${core.do.more}: ${plain(v.name)}`}>
                            <Icon name="more" />
                          </ActionIcon>
                        </Menu.Target>
                        <Menu.Dropdown>
                          <Menu.Item onClick={() => void share(v)}>
                            {v.shared ? w.view.unshare : w.view.share}
                          </Menu.Item>
                          <Menu.Item
                            leftSection={<Icon name="trash" size={14} />}
                            onClick={() =>
                              hold({
                                label: w.view.removed(v.name),
                                send: (leaving) => del(`/views/${encodeURIComponent(v.id)}`, { keepalive: leaving }),
                                done: anew,
                              })
                            }
                          >
                            {w.view.remove}
                          </Menu.Item>
                        </Menu.Dropdown>
                      </Menu>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </div>
  );
}
