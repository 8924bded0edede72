import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { useLive, useStream } from "../api/stream";
import { useCore } from "../i18n/core";
import type { Lang } from "../i18n/words";
import { Hostile } from "../ui/Hostile";
import { plain } from "../ui/hostile";
import { Icon } from "../ui/Icon";
import { Keycap } from "../ui/Keycap";
import { zoneName } from "../ui/time";
import { go } from "./go";
import { type Key, useKeys } from "./keys";
import { Link } from "./Link";
import { type PageDef, pages } from "./pages";
import { setPrefs, type Theme, usePrefs } from "./prefs";
import { usePath } from "./router";
import { prefer, useSession } from "./session";
import { signOut } from "./sign-out";

const Palette = lazy(() => import("./Palette"));
const Sheet = lazy(() => import("./Sheet"));

/** Shell is what surrounds every page: navigation, palette, keys. */
export function Shell({ children }: { children: ReactNode }) {
  const w = useCore();
  const session = useSession();
  const prefs = usePrefs();
  const [palette, setPalette] = useState(false);
  const [sheet, setSheet] = useState(false);
  const [drawer, setDrawer] = useState(false);
  const path = usePath();
  const shown = pages.filter((p) => p.nav && (!p.permission || session.permissions.includes(p.permission)));

  useEffect(() => setDrawer(false), [path]);
  // One who reads hears what changes, whichever page it is.
  const client = useQueryClient();
  useStream("issue", (e) => void client.invalidateQueries({ queryKey: ["issue", e.id] }));

  useKeys([
    { keys: "mod+k", label: w.keys.palette, group: w.keys.page, always: true, run: () => setPalette(true) },
    { keys: "?", label: w.keys.sheet, group: w.keys.page, run: () => setSheet(true) },
    {
      keys: "[",
      label: prefs.narrow ? w.nav.expand : w.nav.collapse,
      group: w.keys.page,
      run: () => setPrefs({ narrow: !prefs.narrow }),
    },
    ...shown
      .filter((p) => p.nav?.key)
      .map(
        (p): Key => ({ keys: `g ${p.nav!.key}`, label: w.nav[p.nav!.name], group: w.keys.go, run: () => go(p.path) }),
      ),
  ]);

  const item = (p: PageDef) => (
    <Tooltip key={p.path} label={w.nav[p.nav!.name]} position="right" disabled={!prefs.narrow}>
      <Link
        className="nav-item"
        href={p.path}
        aria-current={current(p.path, path) ? "page" : undefined}
        aria-label={w.nav[p.nav!.name]}
      >
        <Icon name={p.nav!.icon} />
        <span className="nav-label">{w.nav[p.nav!.name]}</span>
      </Link>
    </Tooltip>
  );
  const group = (g: "main" | "detection" | "operation") => shown.filter((p) => p.nav!.group === g);

  return (
    <div className={prefs.narrow && !drawer ? "shell narrow" : "shell"}>
      <a className="skip" href="#main">
        ↓ {w.product}
      </a>
      <div className="top">
        <ActionIcon aria-label={w.nav.open} onClick={() => setDrawer(true)}>
          <Icon name="menu" />
        </ActionIcon>
        <img src="/yagura.svg" alt="" />
        <span className="grow">{w.product}</span>
        <ActionIcon aria-label={w.keys.palette} onClick={() => setPalette(true)}>
          <Icon name="search" />
        </ActionIcon>
      </div>
      {drawer && <div className="nav-veil" onClick={() => setDrawer(false)} aria-hidden="true" />}
      <nav className={drawer ? "nav shown" : "nav"} aria-label={w.nav.main}>
        <Link className="nav-brand" href="/">
          <img src="/yagura.svg" alt="" />
          <span className="nav-label">
            {w.product} {session.server.tenant && <small>{session.server.tenant}</small>}
          </span>
        </Link>
        <button
          type="button"
          className="nav-search"
          onClick={() => setPalette(true)}
          aria-label={prefs.narrow ? w.keys.palette : undefined}
        >
          <Icon name="search" size={14} />
          <span className="nav-label">{w.do.search}</span>
          <span className="nav-label keycap-end">
            <Keycap keys="mod+k" />
          </span>
        </button>
        {group("main").map(item)}
        {group("detection").length > 0 && <div className="nav-group">{w.nav.detection}</div>}
        {group("detection").map(item)}
        {group("operation").length > 0 && <div className="nav-group">{w.nav.operation}</div>}
        {group("operation").map(item)}
        <div className="nav-foot">
          <LiveDot />
          <UserMenu />
        </div>
      </nav>
      <main className="main" id="main" tabIndex={-1}>
        {session.server.demo && (
          <div className="demo-bar">
            <strong>{w.session.demo}</strong> {w.session.demoDoc}
          </div>
        )}
        <Suspense fallback={null}>{children}</Suspense>
      </main>
      <Suspense fallback={null}>
        {palette && <Palette close={() => setPalette(false)} />}
        {sheet && <Sheet close={() => setSheet(false)} />}
      </Suspense>
    </div>
  );
}

function current(page: string, path: string): boolean {
  return page === "/" ? path === "/" : path === page || path.startsWith(`${page}/`);
}

function LiveDot() {
  const w = useCore();
  const live = useLive();
  return (
    <div className="nav-live" title={live ? w.state.live : w.state.notLive}>
      <span className={live ? "dot dot-good" : "dot dot-off"} aria-hidden="true" />
      <span className="nav-label">{live ? w.state.live : w.state.notLive}</span>
    </div>
  );
}

function UserMenu() {
  const w = useCore();
  const session = useSession();
  const client = useQueryClient();
  const { lang, theme, zone } = usePrefs();
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones: [string, string][] = [
    ["Asia/Tokyo", "JST"],
    ["UTC", "UTC"],
    ["", `${w.time.local} (${zoneName(local)})`],
  ];
  const languages: [Lang, string][] = [
    ["en", w.session.english],
    ["ja", w.session.japanese],
  ];
  const themes: [Theme, string][] = [
    ["dark", w.palette.dark],
    ["light", w.palette.light],
    ["system", w.palette.system],
  ];
  // One of several: it is said to those who hear the menu, too.
  const choice = (label: string, value: string, items: [string, string][], choose: (value: string) => void) => (
    <>
      <Menu.Label>{label}</Menu.Label>
      <Menu.RadioGroup value={value} onChange={choose}>
        {items.map(([v, text]) => (
          <Menu.RadioItem key={v} value={v} checkIcon={<Icon name="check" size={14} />}>
            {text}
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
    </>
  );
  const name = session.user.display || session.user.name;
  return (
    <Menu position="right-end" width={220}>
      <Menu.Target>
        <button type="button" className="nav-user" aria-label={`${w.session.menu}: ${plain(name)}`}>
          <span className="avatar" aria-hidden="true" data-initials={initials(name)} />
          <span className="nav-label cut">
            <Hostile text={name} />
          </span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Hostile text={session.user.name} />
        </Menu.Label>
        {session.scopes && <Menu.Label>{w.session.scoped}</Menu.Label>}
        <Menu.Divider />
        {choice(w.palette.language, lang, languages, (l) => prefer({ lang: l as Lang }))}
        {choice(w.palette.theme, theme, themes, (t) => prefer({ theme: t as Theme }))}
        {choice(w.time.zone, zone, zones, (z) => prefer({ zone: z }))}
        <Menu.Divider />
        <Menu.Item
          leftSection={<Icon name="signOut" size={14} />}
          onClick={() => {
            client.clear();
            void signOut();
          }}
        >
          {w.session.signOut}
        </Menu.Item>
        <Menu.Label>
          {w.session.until} {session.server.version}
        </Menu.Label>
      </Menu.Dropdown>
    </Menu>
  );
}

/** initials are one or two letters of a name; of a Japanese one, its first. */
export function initials(name: string): string {
  const parts = name
    .trim()
    .split(/[\s.@_-]+/)
    .filter(Boolean);
  const first = [...(parts[0] ?? "?")][0] ?? "?";
  if (/[\u3040-\u30ff\u3400-\u9fff]/.test(first)) return first;
  return (first + ([...(parts[1] ?? "")][0] ?? "")).toUpperCase();
}
