import { createMemoryHistory, createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { describe, expect, it } from "vitest";
import { parseSearch, writeSearch } from "./go";

describe("the search of an address", () => {
  it("keeps an empty query when a list is opened by its address", async () => {
    const root = createRootRoute();
    const list = createRoute({ getParentRoute: () => root, path: "/suppressions" });
    const at = async (href: string) => {
      const history = createMemoryHistory({ initialEntries: [href] });
      const router = createRouter({
        routeTree: root.addChildren([list]),
        history,
        parseSearch,
        stringifySearch: writeSearch,
      });
      await router.load();
      return history.location.href;
    };
    for (const href of [
      "/suppressions?q=",
      "/suppressions?q=&sort=by",
      "/suppressions?q=state%3Aactive",
      "/suppressions",
    ])
      expect(await at(href)).toBe(href);
  });
  it("is text as it stands", () => {
    expect(parseSearch("?q=123&open=")).toEqual({ q: "123", open: "" });
    expect(writeSearch({ q: "a b", sort: undefined, n: 1 })).toBe("?q=a+b&n=1");
  });
});
