import { lazy, Suspense, useEffect } from "react";
import { useSearch } from "../../app/router";
import { useCan } from "../../app/session";
import { useWords } from "../../i18n/words";
import { TabBar } from "../../ui/TabBar";
import { Me } from "./Me";
import { w as catalogue } from "./words";
import "./settings.css";

const parts = {
  views: lazy(() => import("./SavedViews").then((m) => ({ default: m.SavedViews }))),
  users: lazy(() => import("./Users").then((m) => ({ default: m.Users }))),
  tokens: lazy(() => import("./Tokens").then((m) => ({ default: m.Tokens }))),
  sessions: lazy(() => import("./Sessions").then((m) => ({ default: m.AllSessions }))),
  providers: lazy(() => import("./Providers").then((m) => ({ default: m.Providers }))),
  config: lazy(() => import("./Config").then((m) => ({ default: m.Config }))),
};

type Tab = "me" | keyof typeof parts;

/** Page is the settings: one's own, and for those who manage, everybody's. */
export function Page() {
  const w = useWords(catalogue);
  const manage = useCan("manage");
  const asked = useSearch().tab;
  const open: Tab[] = manage ? ["me", "views", "users", "tokens", "sessions", "providers", "config"] : ["me", "views"];
  const tab: Tab = open.find((t) => t === asked) ?? "me";
  useEffect(() => {
    document.title = `${w.tab[tab]} · ${w.title} · Yagura`;
  }, [w, tab]);
  const Part = tab === "me" ? undefined : parts[tab];
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        <TabBar
          label={w.title}
          tabs={open.map((t) => ({
            href: t === "me" ? "/settings" : `/settings?tab=${t}`,
            label: w.tab[t],
            on: t === tab,
          }))}
        />
      </div>
      {Part ? (
        <Suspense fallback={<div className="page-body" aria-busy="true" />}>
          <Part key={tab} />
        </Suspense>
      ) : (
        <Me />
      )}
    </div>
  );
}
