// Addresses as text: the router's own links are typed by its routes, which come from the list
// of pages.
import type { AnyRouter } from "@tanstack/react-router";

let router: AnyRouter | undefined;

export function setRouter(r: AnyRouter) {
  router = r;
}

/** go opens an address of the console. */
export function go(href: string, options: { replace?: boolean } = {}) {
  if (!router) {
    location.assign(href);
    return;
  }
  if (options.replace) router.history.replace(href);
  else router.history.push(href);
}

/** back goes to where the reader came from inside the console, else to an address. */
export function back(href: string) {
  if (router?.history.canGoBack()) router.history.back();
  else go(href, { replace: true });
}

/** withSearch returns the address of this page with some of its search changed. */
export function withSearch(change: Record<string, string | undefined>): string {
  const p = new URLSearchParams(location.search);
  for (const [k, v] of Object.entries(change)) {
    if (v === undefined || v === "") p.delete(k);
    else p.set(k, v);
  }
  const s = p.toString();
  return location.pathname + (s ? `?${s}` : "");
}

/** parseSearch reads the search of an address, all of it text. */
export function parseSearch(s: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(s));
}

/**
 * writeSearch writes it again. What is empty stays: a list with a usual query tells "nothing
 * asked" from "asked for everything" by ?q= alone.
 */
export function writeSearch(o: Record<string, unknown>): string {
  const p = new URLSearchParams();
  for (const [k, v] of Object.entries(o)) if (v !== undefined) p.set(k, String(v));
  const s = p.toString();
  return s ? `?${s}` : "";
}
