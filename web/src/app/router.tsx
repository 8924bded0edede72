import {
  type AnyRoute,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  useLocation,
  useParams,
} from "@tanstack/react-router";
import { useMemo } from "react";
import { Broken, NotFound } from "./Broken";
import { go, parseSearch, setRouter, writeSearch } from "./go";
import { home, type PageDef, pages } from "./pages";
import { Shell } from "./Shell";
import { SessionGate } from "./session";

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound });

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: () => (
    <SessionGate>
      <Shell>
        <Outlet />
      </Shell>
    </SessionGate>
  ),
});

// The pages are a list; what a router knows of its routes by type is given up for that.
function route(p: PageDef): AnyRoute {
  return createRoute({
    getParentRoute: () => (p.bare ? root : inside) as never,
    path: p.path,
    component: lazyRouteComponent(p.load, "Page"),
    errorComponent: Broken,
  }) as never;
}

const first = createRoute({
  getParentRoute: () => inside,
  path: "/",
  component: () => {
    go(home, { replace: true });
    return null;
  },
});

const inner = pages.filter((p) => !p.bare).map(route);
if (!pages.some((p) => p.path === "/")) inner.push(first);

export const router = createRouter({
  routeTree: root.addChildren([...pages.filter((p) => p.bare).map(route), inside.addChildren(inner)]),
  defaultPreload: "intent",
  defaultErrorComponent: Broken,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: false,
  // Values of the search are text as they stand: the usual form would read 123 as a number.
  parseSearch,
  stringifySearch: writeSearch,
});

setRouter(router);

/** usePath is the path of the page. */
export function usePath(): string {
  return useLocation({ select: (l) => l.pathname });
}

/** useSearch is the search of the address, all of it text. */
export function useSearch(): Record<string, string | undefined> {
  const s = useLocation({ select: (l) => l.searchStr });
  return useMemo(() => parseSearch(s), [s]);
}

/** useParam is a part of the path: useParam("id") of /issues/$id. */
export function useParam(name: string): string {
  const p = useParams({ strict: false }) as Record<string, string>;
  return p[name] ?? "";
}
