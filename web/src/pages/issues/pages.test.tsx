import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Issue } from "../../api/types";
import { setPrefs } from "../../app/prefs";
import { SessionGate } from "../../app/session";
import { Actions } from "./Actions";
import { Facets } from "./Facets";

// A server that answers what is asked here, and writes down what was.
let asked: { path: string; body: unknown }[] = [];
const answers: Record<string, unknown> = {
  "/session": {
    user: { id: "u", name: "mary", lang: "", theme: "", bindings: [] },
    permissions: ["view", "work", "decide", "hunt"],
    csrf: "c",
    server: { version: "1", time: "2026-05-01T00:00:00Z" },
  },
  "/issues/counts": {
    severity: [],
    status: [],
    rule: [
      { id: "r1", name: "Trail stopped", name_ja: "証跡の停止", n: 3, q: "rule:r1" },
      { id: "r2", name: "A rule of one's own", n: 1, q: "rule:r2" },
    ],
    account: [{ id: "", n: 2, q: "account:none" }],
    assignee: [],
    exact: true,
  },
  "/suppressions/replay": {
    judged: 40,
    quiet: 7,
    already: 0,
    rules: [
      {
        rule: "r1",
        title: "Trail stopped",
        title_ja: "証跡の停止",
        before: "high",
        after: "high suppressed",
        n: 7,
        issues: [],
        why: [],
      },
    ],
    sinks: [],
    by_severity: { high: 7 },
    causes: { before: 1, after: 0 },
    when: 'finding.rule.id == "r1"',
  },
};

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", async (input: string, init?: RequestInit) => {
    const path = new URL(input, location.origin).pathname.replace("/api/v1", "");
    asked.push({ path, body: init?.body ? JSON.parse(String(init.body)) : undefined });
    return new Response(JSON.stringify(answers[path] ?? {}), {
      status: path in answers ? 200 : 404,
      headers: { "Content-Type": "application/json" },
    });
  });
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  setPrefs({ lang: "en" });
});

const show = (what: ReactNode) =>
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <SessionGate>{what}</SessionGate>
      </QueryClientProvider>
    </MantineProvider>,
  );

it("names rules in Japanese where they have a title in it, and says that there is no account", async () => {
  setPrefs({ lang: "ja" });
  show(<Facets q="" sort="" />);
  await screen.findByText("証跡の停止");
  screen.getByText("A rule of one's own");
  screen.getByText("アカウントなし");
  expect(screen.queryByText("Trail stopped")).toBeNull();
  setPrefs({ lang: "en" });
  await screen.findByText("Trail stopped");
  screen.getByText("No account");
});

it("suppresses the rule of an issue after it has shown what that would have kept quiet", async () => {
  const is = { id: "I1", status: "open", version: 1, rule: { id: "r1", title: "Trail stopped", engine: "sigma" } };
  show(<Actions issues={[{ ...is, rule_title_ja: "証跡の停止" } as unknown as Issue]} />);
  fireEvent.click(await screen.findByRole("button", { name: "More" }));
  fireEvent.click(await screen.findByText("Suppress the rule…"));
  // The form is a chunk of its own.
  await waitFor(() => expect(asked.find((a) => a.path === "/suppressions/replay")?.body).toEqual({ rule: "r1" }), {
    timeout: 20_000,
  });
  await screen.findByText(/7 of 40/, {}, { timeout: 15_000 });
  expect(screen.getAllByText(/Trail stopped/).length).toBeGreaterThan(0);
  expect(asked.some((a) => a.path === "/suppressions")).toBe(false);
}, 30_000);

it("offers no rule where several issues are chosen", async () => {
  const is = { id: "I1", status: "open", version: 1, rule: { id: "r1", title: "Trail stopped", engine: "sigma" } };
  show(<Actions issues={[is, { ...is, id: "I2" }] as unknown as Issue[]} />);
  fireEvent.click(await screen.findByRole("button", { name: "More" }));
  await screen.findByText("Label…");
  expect(screen.queryByText("Suppress the rule…")).toBeNull();
});
