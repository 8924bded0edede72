// What an audit line is about, as a page of the console.

/** subjectHref is the page of what a line was done to: "issue/01J…" has one, "session/…" has none. */
export function subjectHref(on: string | undefined): string | undefined {
  const at = on?.indexOf("/") ?? -1;
  if (!on || at <= 0) return undefined;
  const id = on.slice(at + 1);
  if (!id) return undefined;
  switch (on.slice(0, at)) {
    case "issue":
      return `/issues/${encodeURIComponent(id)}`;
    case "rule":
      return `/rules/${encodeURIComponent(id)}`;
    case "document":
      return `/documents?${new URLSearchParams({ open: id })}`;
    case "user":
      return `/settings?${new URLSearchParams({ tab: "users", open: id })}`;
    case "token":
      return `/settings?${new URLSearchParams({ tab: "tokens", open: id })}`;
    case "sink":
      return `/sinks?${new URLSearchParams({ open: id })}`;
    case "dead_letter":
    case "dead-letter":
      return `/ledger?${new URLSearchParams({ tab: "dead-letters", open: id })}`;
    case "view":
      return "/settings?tab=views";
    case "hunt":
      return `/hunt?${new URLSearchParams({ name: id })}`;
    case "suppression":
      return "/suppressions";
    default:
      return on === "policy" ? "/policy" : undefined;
  }
}
