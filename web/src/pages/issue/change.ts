// What people do to issues: shown at once, held for undo, sent as one call.
import type { QueryClient } from "@tanstack/react-query";
import { Problem, post } from "../../api/client";
import type { ChangeIn, Issue, Outcomes } from "../../api/types";
import { hold } from "../../app/undo";

/** newID is a name for a change, so that the server sees a repeat for what it is. */
export function newID(): string {
  const b = crypto.getRandomValues(new Uint8Array(16));
  return [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
}

/** effect is how an issue looks after a change, for the five seconds before it is sent. */
export function effect(c: ChangeIn, who: string): Partial<Issue> {
  switch (c.what) {
    case "acknowledge":
      return { status: "acknowledged", assignee: who };
    case "close":
      return { status: "closed", ...(c.verdict ? { conclusion: c.verdict } : {}) };
    case "reopen":
      return { status: "open" };
    case "assign":
      return { assignee: c.to ?? "" };
    case "conclude":
      return { conclusion: c.verdict };
    case "suppress":
      return { suppressed_until: c.until, suppress_reason: c.text };
    default:
      return {};
  }
}

/** changeIssues holds a change of some issues and sends it; what is on the page follows. */
export function changeIssues(client: QueryClient, ids: string[], change: ChangeIn, label: string, who: string) {
  const id = newID();
  const shows = effect(change, who);
  hold({
    label,
    shows: ids.map((i) => ({ key: `issue/${i}`, change: shows })),
    send: async (leaving) => {
      for (let n = 0; n < ids.length; n += 500) {
        const r = await post<Outcomes>(
          "/issues/changes",
          { ids: ids.slice(n, n + 500), change: { ...change, id } },
          { keepalive: leaving },
        );
        for (const o of r?.items ?? []) if (o.issue) place(client, o.issue);
        const bad = r?.items?.find((o) => o.problem);
        if (bad?.problem)
          throw new Problem(bad.problem.status, bad.problem.code, bad.problem.detail || bad.problem.title, bad.problem);
      }
    },
    done: () => {
      for (const i of ids) void client.invalidateQueries({ queryKey: ["issue", i] });
      void client.invalidateQueries({ queryKey: ["counts"] });
    },
  });
}

/** place puts an issue as it is now into the lists that show it, where it stands. */
export function place(client: QueryClient, is: Issue) {
  client.setQueriesData<{ pages: { items: Issue[] }[] }>({ queryKey: ["list", "issues"] }, (d) =>
    d?.pages
      ? {
          ...d,
          pages: d.pages.map((p) => ({
            ...p,
            items: (p.items ?? []).map((x) => (x.id === is.id && x.version <= is.version ? is : x)),
          })),
        }
      : d,
  );
}
