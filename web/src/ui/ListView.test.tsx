import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ListView } from "./ListView";

let cut = false;
beforeEach(() => {
  vi.stubGlobal(
    "fetch",
    async () =>
      new Response(JSON.stringify({ items: [], cut, total: { n: 0, exact: !cut } }), {
        headers: { "Content-Type": "application/json" },
      }),
  );
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
});
afterEach(() => vi.unstubAllGlobals());

function show() {
  const root = createRootRoute({
    component: () => (
      <ListView list="entities" label="x" columns={[]} rowKey={() => ""} cut="of the newest alone" first="empty" />
    ),
  });
  const router = createRouter({ routeTree: root, history: createMemoryHistory() });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <RouterProvider router={router as never} />
      </QueryClientProvider>
    </MantineProvider>,
  );
}

it("says in words that a list was cut, and only then", async () => {
  cut = true;
  show();
  await screen.findByText("of the newest alone");
});

it("says nothing of a whole list", async () => {
  cut = false;
  show();
  await screen.findByText("empty");
  expect(screen.queryByText("of the newest alone")).toBeNull();
});
