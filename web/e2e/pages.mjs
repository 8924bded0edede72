// The pages that the run visits. A page brings its own steps: what must be seen, and the states
// of it that are worth a screen. shot(name) takes one and looks for faults in it.

export const pages = [
  {
    name: "issues",
    async visit(page, { shot }) {
      await page.goto("/issues");
      await page.waitForSelector(".vt-row");
      await shot("issues");
      await page.keyboard.press("j");
      await page.keyboard.press("x");
      await page.keyboard.press("j");
      await page.keyboard.press("x");
      await page.waitForSelector(".bulk");
      await shot("issues-selected");
      await page.locator(".bulk > button").last().click();
      await page.keyboard.press("Enter");
      await page.waitForSelector(".panel .issue-head h1");
      await page.waitForSelector(".panel .table");
      await shot("issues-panel");
      await page.keyboard.press("Escape");
      await page.waitForSelector(".panel", { state: "detached" });
      await page.goto("/issues?q=severity:hihg");
      await page.waitForSelector(".qb-error");
      await shot("issues-wrong-query", { refused: 400 });
    },
  },
  {
    name: "issue",
    async visit(page, { shot }) {
      await page.goto("/issues");
      await page.waitForSelector(".vt-row a");
      const href = await page.getAttribute(".vt-row a", "href");
      await page.goto(href);
      await page.waitForSelector(".raw mark");
      await shot("issue");
      const tabs = page.locator("[role=tab]");
      await tabs.nth(1).click();
      await page.waitForSelector(".timeline > li");
      await shot("issue-timeline");
      await tabs.nth(2).click();
      await page.waitForSelector(".graph canvas");
      await shot("issue-entities");
      await tabs.nth(3).click();
      await page.waitForSelector(".raw");
      await shot("issue-events");
      await tabs.nth(4).click();
      await shot("issue-notices");
    },
  },
  {
    name: "palette",
    async visit(page, { shot }) {
      await page.goto("/issues");
      await page.waitForSelector(".vt-row");
      await page.keyboard.press("Control+k");
      await page.waitForSelector(".palette-item");
      await shot("palette");
      await page.keyboard.press("Escape");
      await page.waitForSelector(".palette", { state: "detached" });
      await page.keyboard.press("?");
      await page.waitForSelector(".sheet dl");
      await shot("keys");
    },
  },
];
