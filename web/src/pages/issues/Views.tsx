import { ActionIcon, Button, Checkbox, Menu, Popover, TextInput, Tooltip } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { del, get, Problem, post } from "../../api/client";
import type { Page, ViewPage } from "../../api/types";
import { go } from "../../app/go";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCan, useSession } from "../../app/session";
import { hold, say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { Hostile } from "../../ui/Hostile";
import { Icon } from "../../ui/Icon";
import { w as catalogue } from "./words";

/** Shipped views of the issues: names are words of the catalogue. */
export const shipped = [
  { name: "work", q: "status:open,acknowledged suppressed:no", sort: "-severity" },
  { name: "urgent", q: "status:open severity:>=high suppressed:no", sort: "-severity" },
  { name: "mine", q: "assignee:me status:open,acknowledged", sort: "-severity" },
  { name: "quiet", q: "suppressed:yes", sort: "-updated" },
  { name: "closed", q: "status:closed", sort: "-updated" },
  { name: "all", q: "", sort: "-updated" },
] as const;

/** viewHref is the address of a list's view. */
export function viewHref(q: string, sort?: string): string {
  const p = new URLSearchParams({ q });
  if (sort) p.set("sort", sort);
  return `/issues?${p}`;
}

/** Views are the rows of tabs above the list: those that come with the program, and saved ones. */
export function Views({ q, sort }: { q: string; sort: string }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const session = useSession();
  const client = useQueryClient();
  const canSave = useCan("work");
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const views = useQuery({
    queryKey: ["views"],
    queryFn: ({ signal }) => get<Page<ViewPage>>("/views", signal),
    staleTime: 60_000,
    retry: false,
  });
  const mine = (views.data?.items ?? []).filter((v) => v.list === "issues");
  const known = shipped.some((v) => v.q === q) || mine.some((v) => v.query === q);

  const save = async () => {
    setOpen(false);
    try {
      await post<ViewPage>("/views", { name: name.trim(), list: "issues", query: q, sort, shared });
      say(w.views.saved(name.trim()));
      setName("");
      void client.invalidateQueries({ queryKey: ["views"] });
    } catch (err) {
      say(w.views.save, "error", err instanceof Problem ? err.said(lang) : String(err));
    }
  };
  const remove = (v: ViewPage) =>
    hold({
      label: w.views.removed(v.name),
      send: (leaving) => del(`/views/${encodeURIComponent(v.id)}`, { keepalive: leaving }),
      done: () => void client.invalidateQueries({ queryKey: ["views"] }),
    });
  return (
    <nav className="views" aria-label={w.views.label}>
      {shipped.map((v) => (
        <Link
          key={v.name}
          href={viewHref(v.q, v.sort)}
          aria-current={v.q === q ? "page" : undefined}
          className="view-tab"
        >
          {w.views[v.name]}
        </Link>
      ))}
      {mine.slice(0, 3).map((v) => (
        <Link
          key={v.id}
          href={viewHref(v.query, v.sort)}
          aria-current={v.query === q ? "page" : undefined}
          className="view-tab cut"
        >
          <Hostile text={v.name} />
        </Link>
      ))}
      {mine.length > 0 && (
        <Menu position="bottom-start">
          <Menu.Target>
            <Tooltip label={w.views.more}>
              <ActionIcon aria-label={w.views.more}>
                <Icon name="star" size={14} />
              </ActionIcon>
            </Tooltip>
          </Menu.Target>
          <Menu.Dropdown>
            {mine.map((v) => (
              <Menu.Item key={v.id} onClick={() => go(viewHref(v.query, v.sort))}>
                <Hostile text={v.name} />
              </Menu.Item>
            ))}
            {mine.some((v) => v.owner === session.user.id) && <Menu.Divider />}
            {mine
              .filter((v) => v.owner === session.user.id)
              .map((v) => (
                <Menu.Item key={`-${v.id}`} onClick={() => remove(v)} leftSection={<Icon name="trash" size={14} />}>
                  {w.views.remove}: <Hostile text={v.name} />
                </Menu.Item>
              ))}
          </Menu.Dropdown>
        </Menu>
      )}
      {canSave && !known && (
        <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus>
          <Popover.Target>
            <Button
              variant="subtle"
              size="compact-xs"
              leftSection={<Icon name="plus" size={12} />}
              onClick={() => setOpen(!open)}
            >
              {w.views.save}
            </Button>
          </Popover.Target>
          <Popover.Dropdown p={12}>
            <form
              className="form"
              onSubmit={(e) => {
                e.preventDefault();
                void save();
              }}
            >
              <TextInput
                label={w.views.name}
                value={name}
                onChange={(e) => setName(e.currentTarget.value)}
                required
                maxLength={80}
                data-autofocus
              />
              <Checkbox label={w.views.shared} checked={shared} onChange={(e) => setShared(e.currentTarget.checked)} />
              <Button type="submit" variant="filled">
                {core.do.save}
              </Button>
            </form>
          </Popover.Dropdown>
        </Popover>
      )}
    </nav>
  );
}
