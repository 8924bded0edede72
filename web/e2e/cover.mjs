// Which pages there are, and which of them the run has looked at. Pages come from the list that
// the console itself is built of, and their parts (tabs with addresses of their own) from what
// the pages show: a page or part that no visit looks at is a fault of the run.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** routes are the addresses of all pages: "/", "/issues", "/issues/$id". */
export function routes(text = readFileSync(join(import.meta.dirname, "../src/app/pages.ts"), "utf8")) {
  return [...text.matchAll(/path: "([^"]+)"/g)].map((m) => m[1]);
}

/** Cover remembers what was looked at, in which languages and themes. */
export class Cover {
  constructor(paths, looks) {
    this.paths = paths;
    this.looks = looks; // "en dark"
    this.seen = new Map(); // place → looks
    this.parts = new Set(); // places that a page names as its parts
    this.strange = new Set(); // addresses that no page of the list has
  }

  /** route is the page that an address leads to; one without a variable comes first. */
  route(pathname) {
    const words = pathname.split("/");
    const fits = this.paths.filter((p) => {
      const parts = p.split("/");
      return parts.length === words.length && parts.every((w, i) => w === words[i] || (w.startsWith("$") && words[i]));
    });
    return fits.sort((a, b) => a.split("$").length - b.split("$").length)[0];
  }

  /** place is the page of an address, and its part if it names one: by ?tab=, or by #tab- and a number. */
  place(address) {
    const u = new URL(address, "http://console.invalid");
    const path = this.route(u.pathname);
    const tab = u.searchParams.get("tab");
    const part = u.hash.startsWith("#tab-") ? u.hash : "";
    return path && (tab ? `${path}?tab=${tab}` : path) + part;
  }

  /** look notes that a page was looked at; named are the addresses of parts that it shows. */
  look(address, look, named) {
    const place = this.place(address);
    if (!place) {
      this.strange.add(address);
      return;
    }
    this.seen.set(place, (this.seen.get(place) ?? new Set()).add(look));
    for (const href of named) this.parts.add(this.place(href) ?? href);
  }

  /** missing says what was never looked at, and in which look. */
  missing() {
    const out = [...this.strange].map((a) => `${a} is no page of src/app/pages.ts`);
    for (const place of new Set([...this.paths, ...this.parts])) {
      const looks = this.looks.filter((l) => !this.seen.get(place)?.has(l));
      if (looks.length > 0) out.push(`no visit of e2e/pages.mjs looks at ${place} (${looks.join(", ")})`);
    }
    return out;
  }
}
