import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { press } from "../app/keys";
import { QueryBar } from "./QueryBar";

beforeEach(() =>
  vi.stubGlobal(
    "fetch",
    async () => new Response('{"ok":true,"items":[]}', { headers: { "Content-Type": "application/json" } }),
  ),
);
afterEach(() => vi.unstubAllGlobals());

function show(value: string) {
  const asked: string[] = [];
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <div className="page">
          <QueryBar list="issues" value={value} onChange={(q) => asked.push(q)} />
          <div role="grid" tabIndex={0} aria-label="rows" />
        </div>
      </QueryClientProvider>
    </MantineProvider>,
  );
  const input = screen.getByRole<HTMLInputElement>("combobox");
  const slash = () => {
    const e = new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true });
    Object.defineProperty(e, "target", { value: document.body });
    act(() => void press(e));
  };
  return { asked, input, slash };
}

it("adds a term behind what is asked already, and hands the keys to the rows", () => {
  const { asked, input, slash } = show("status:open");
  slash();
  expect(document.activeElement).toBe(input);
  expect([input.value, input.selectionStart]).toEqual(["status:open ", 12]);
  fireEvent.change(input, { target: { value: `${input.value}severity:>=high` } });
  fireEvent.keyDown(input, { key: "Enter" });
  expect(asked).toEqual(["status:open severity:>=high"]);
  expect(document.activeElement).toBe(screen.getByRole("grid"));
});

it("leaves the query as it was when nothing was written", () => {
  const { asked, input, slash } = show("status:open");
  slash();
  fireEvent.blur(input);
  expect(input.value).toBe("status:open");
  expect(asked).toEqual([]);
});
