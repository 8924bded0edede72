import { ActionIcon, SegmentedControl, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { del, get } from "../../api/client";
import type { HuntPast, HuntTable, Page, SavedHunt } from "../../api/types";
import { usePrefs } from "../../app/prefs";
import { useCan } from "../../app/session";
import { hold } from "../../app/undo";
import { useWords } from "../../i18n/words";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { Icon } from "../../ui/Icon";
import { term } from "../../ui/pivot";
import { useDebounced } from "../../ui/QueryBar";
import { Time } from "../../ui/Time";
import { inLang } from "./text";
import { w as catalogue } from "./words";

type Open = (q: string, lang: "kql" | "sql", more?: Record<string, string | undefined>) => void;

/** Side is what one may begin from: saved hunts, what was asked before, the tables. */
export function Side({ open, current, insert }: { open: Open; current?: string; insert: (name: string) => void }) {
  const w = useWords(catalogue);
  const [tab, setTab] = useState<"hunts" | "history" | "tables">("hunts");
  return (
    <aside className="hunt-side" aria-label={w.side[tab]}>
      <SegmentedControl
        size="xs"
        fullWidth
        value={tab}
        onChange={(t) => setTab(t as typeof tab)}
        data={(["hunts", "history", "tables"] as const).map((t) => ({ value: t, label: w.side[t] }))}
      />
      {tab === "hunts" && <Hunts open={open} current={current} />}
      {tab === "history" && <History open={open} />}
      {tab === "tables" && <Tables insert={insert} />}
    </aside>
  );
}

function Hunts({ open, current }: { open: Open; current?: string }) {
  const w = useWords(catalogue);
  const { lang } = usePrefs();
  const client = useQueryClient();
  const canWork = useCan("work");
  const [find, setFind] = useState("");
  const q = useDebounced(find.trim(), 200);
  const r = useQuery({
    queryKey: ["hunts", "list", q],
    queryFn: ({ signal }) =>
      get<Page<SavedHunt>>(`/hunts?limit=500${q ? `&q=${encodeURIComponent(phrase(q))}` : ""}`, signal),
    placeholderData: (p) => p,
  });
  const list = r.data?.items ?? [];
  const group = (title: string, hunts: SavedHunt[]) =>
    hunts.length > 0 && (
      <section key={title}>
        <h2>{title}</h2>
        <ul>
          {hunts.map((h) => (
            <li key={h.name}>
              <button
                type="button"
                className={h.name === current ? "hunt-pick hunt-on" : "hunt-pick"}
                onClick={() =>
                  open("", h.lang, { hunt: h.name, range: h.range && /^\d+[hd]$/.test(h.range) ? h.range : "text" })
                }
                title={plain(
                  [inLang(h.title, lang), inLang(h.description, lang), h.techniques?.join(" ")]
                    .filter(Boolean)
                    .join("\n"),
                )}
              >
                <span className="cut">
                  <Hostile text={inLang(h.title, lang) || h.name} />
                </span>
                <span className="faint mono">{h.techniques?.[0]}</span>
              </button>
              {!h.shipped && canWork && (
                <ActionIcon
                  size="sm"
                  aria-label={`${w.remove}: ${h.name}`}
                  onClick={() =>
                    hold({
                      label: w.removed(h.name),
                      send: (leaving) => del(`/hunts/${encodeURIComponent(h.name)}`, { keepalive: leaving }),
                      done: () => void client.invalidateQueries({ queryKey: ["hunts"] }),
                    })
                  }
                >
                  <Icon name="trash" size={13} />
                </ActionIcon>
              )}
            </li>
          ))}
        </ul>
      </section>
    );
  return (
    <>
      <TextInput
        size="xs"
        className="hunt-find"
        aria-label={w.side.search}
        placeholder={w.side.search}
        leftSection={<Icon name="search" size={13} />}
        value={find}
        onChange={(e) => setFind(e.currentTarget.value)}
      />
      {group(
        w.mine,
        list.filter((h) => !h.shipped),
      )}
      {group(
        w.shipped,
        list.filter((h) => h.shipped),
      )}
      {r.isSuccess && list.length === 0 && <p className="faint hunt-note">{w.noHunts}</p>}
    </>
  );
}

/** phrase quotes words that somebody typed as free text of the lists' grammar. */
function phrase(s: string): string {
  return term("x", s).slice(2);
}

function History({ open }: { open: Open }) {
  const w = useWords(catalogue);
  const r = useQuery({
    queryKey: ["hunt", "history"],
    queryFn: ({ signal }) => get<Page<HuntPast>>("/hunt/history", signal),
    retry: false,
  });
  const list = r.data?.items ?? [];
  if (r.isSuccess && list.length === 0) return <p className="faint hunt-note">{w.noHistory}</p>;
  return (
    <ul className="hunt-past">
      {list.map((h, i) => (
        <li key={i}>
          <button type="button" className="hunt-pick" onClick={() => open(h.text, h.lang)} title={plain(h.text)}>
            <span className="mono cut">
              <Hostile text={h.text.replace(/\s+/g, " ").slice(0, 160)} />
            </span>
            <span className="faint">
              <Time at={h.at} /> ·{" "}
              {h.error ? (
                <span className="hunt-bad">
                  <Hostile text={h.error.slice(0, 60)} />
                </span>
              ) : (
                w.rows(String(h.rows))
              )}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Tables({ insert }: { insert: (name: string) => void }) {
  const w = useWords(catalogue);
  const r = useQuery({
    queryKey: ["hunt", "tables"],
    queryFn: ({ signal }) => get<Page<HuntTable>>("/hunt/tables", signal),
    staleTime: 300_000,
    retry: false,
  });
  return (
    <ul className="hunt-tables">
      {(r.data?.items ?? []).map((t) => (
        <li key={t.name}>
          <details>
            <summary>
              <span className="mono cut">{t.name}</span>
            </summary>
            {t.title && <p className="dim">{t.title}</p>}
            <ul>
              {t.columns.map((c) => (
                <li key={c.name}>
                  <button type="button" className="hunt-column" onClick={() => insert(c.name)}>
                    <span className="mono cut">{c.name}</span>
                    <span className="faint">{c.type}</span>
                  </button>
                </li>
              ))}
            </ul>
          </details>
          <ActionIcon size="sm" aria-label={w.insert(t.name)} onClick={() => insert(t.name)}>
            <Icon name="plus" size={12} />
          </ActionIcon>
        </li>
      ))}
    </ul>
  );
}
