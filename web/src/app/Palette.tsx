import { Modal } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { get, query } from "../api/client";
import type { Hit, Hits } from "../api/types";
import { useCore } from "../i18n/core";
import { Hostile } from "../ui/Hostile";
import { Icon, type IconName } from "../ui/Icon";
import { Keycap } from "../ui/Keycap";
import { go } from "./go";
import { pages } from "./pages";
import { prefer, useSession } from "./session";
import { signOut } from "./sign-out";

interface Item {
  id: string;
  group: string;
  title: string;
  sub?: string;
  icon: IconName;
  keys?: string;
  run: () => void;
}

const icons: Record<Hit["kind"], IconName> = {
  issue: "issue",
  entity: "entities",
  rule: "rules",
  page: "page",
  document: "documents",
  view: "star",
};

/** Palette is ⌘K: pages, commands, and anything that was seen, by its value. */
export default function Palette({ close }: { close: () => void }) {
  const w = useCore();
  const session = useSession();
  const [text, setText] = useState("");
  const [asked, setAsked] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const t = setTimeout(() => setAsked(text.trim()), 120);
    return () => clearTimeout(t);
  }, [text]);
  const found = useQuery({
    queryKey: ["search", asked],
    queryFn: ({ signal }) => get<Hits>(`/search${query({ q: asked })}`, signal),
    enabled: asked.length > 1,
    placeholderData: keepPreviousData,
  });

  const items = useMemo(() => {
    const needle = text.trim().toLowerCase();
    const match = (s: string) => !needle || s.toLowerCase().includes(needle);
    const all: Item[] = pages
      .filter((p) => p.nav && (!p.permission || session.permissions.includes(p.permission)))
      .map((p) => ({
        id: p.path,
        group: w.palette.pages,
        title: w.nav[p.nav!.name],
        icon: p.nav!.icon,
        keys: p.nav!.key && `g ${p.nav!.key}`,
        run: () => go(p.path),
      }));
    const command = (id: string, title: string, icon: IconName, run: () => void): Item => ({
      id,
      group: w.palette.commands,
      title,
      icon,
      run,
    });
    all.push(
      command("dark", `${w.palette.theme}: ${w.palette.dark}`, "moon", () => prefer({ theme: "dark" })),
      command("light", `${w.palette.theme}: ${w.palette.light}`, "sun", () => prefer({ theme: "light" })),
      command("system", `${w.palette.theme}: ${w.palette.system}`, "sun", () => prefer({ theme: "system" })),
      command("en", `${w.palette.language}: English`, "globe", () => prefer({ lang: "en" })),
      command("ja", `${w.palette.language}: 日本語`, "globe", () => prefer({ lang: "ja" })),
      command("jst", `${w.time.zone}: JST`, "clock", () => prefer({ zone: "Asia/Tokyo" })),
      command("utc", `${w.time.zone}: UTC`, "clock", () => prefer({ zone: "UTC" })),
      command("out", w.palette.signOut, "signOut", () => void signOut()),
    );
    const hits = asked ? (found.data?.items ?? []) : [];
    return [
      ...hits.map(
        (h): Item => ({
          id: `${h.kind}/${h.id}`,
          group: w.palette.results,
          title: h.title,
          sub: h.sub,
          icon: icons[h.kind] ?? "page",
          run: () => go(h.href),
        }),
      ),
      ...all.filter((i) => match(i.title) || match(i.id)),
    ];
  }, [text, asked, found.data, session.permissions, w]);

  useEffect(() => setAt(0), [text]);
  useEffect(() => {
    list.current?.querySelector(`#palette-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [at]);

  const choose = (i: Item | undefined) => {
    if (!i) return;
    close();
    i.run();
  };
  return (
    <Modal
      opened
      onClose={close}
      withCloseButton={false}
      size={620}
      yOffset="12vh"
      padding={0}
      aria-label={w.palette.title}
      returnFocus
    >
      <div className="palette">
        <div className="palette-in">
          <Icon name="search" />
          <input
            // biome-ignore lint/a11y/noAutofocus: a palette is opened to write in it
            autoFocus
            data-autofocus
            value={text}
            placeholder={w.palette.placeholder}
            aria-label={w.palette.title}
            role="combobox"
            aria-expanded="true"
            aria-controls="palette-list"
            aria-activedescendant={items[at] ? `palette-${at}` : undefined}
            spellCheck={false}
            onChange={(e) => setText(e.currentTarget.value)}
            onKeyDown={(e) => {
              if (e.nativeEvent.isComposing) return;
              const step =
                e.key === "ArrowDown" || (e.ctrlKey && e.key === "n")
                  ? 1
                  : e.key === "ArrowUp" || (e.ctrlKey && e.key === "p")
                    ? -1
                    : 0;
              if (step) {
                e.preventDefault();
                setAt((a) => (a + step + items.length) % Math.max(1, items.length));
              } else if (e.key === "Enter") {
                e.preventDefault();
                choose(items[at]);
              }
            }}
          />
        </div>
        <div
          className="palette-list"
          id="palette-list"
          role="listbox"
          aria-label={w.palette.results}
          ref={list}
          tabIndex={-1}
        >
          {items.map((i, n) => (
            <div key={i.id}>
              {i.group !== items[n - 1]?.group && <div className="palette-group">{i.group}</div>}
              <div
                id={`palette-${n}`}
                role="option"
                tabIndex={-1}
                aria-selected={n === at}
                className="palette-item"
                onMouseMove={() => setAt(n)}
                onClick={() => choose(i)}
                onKeyDown={() => undefined}
              >
                <Icon name={i.icon} />
                <span className="cut">
                  <Hostile text={i.title} />
                </span>
                {i.sub && (
                  <span className="cut faint">
                    <Hostile text={i.sub} />
                  </span>
                )}
                {i.keys && (
                  <span className="palette-keys">
                    <Keycap keys={i.keys} />
                  </span>
                )}
              </div>
            </div>
          ))}
          {items.length === 0 && !found.isFetching && <div className="palette-none dim">{w.palette.empty}</div>}
        </div>
        <div className="palette-foot">
          <span>
            <kbd className="keycap">↑</kbd>
            <kbd className="keycap">↓</kbd> {w.palette.move}
          </span>
          <span>
            <kbd className="keycap">↵</kbd> {w.palette.choose}
          </span>
          <span>
            <kbd className="keycap">Esc</kbd> {w.do.close}
          </span>
        </div>
      </div>
    </Modal>
  );
}
