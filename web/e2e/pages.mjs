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
  {
    name: "findings",
    async visit(page, { shot }) {
      await page.goto("/findings");
      await page.waitForSelector(".vt-row");
      await shot("findings");
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".panel .facts");
      await shot("findings-panel");
      const id = new URL(page.url()).searchParams.get("open");
      await page.goto(`/findings/${id}`);
      await page.waitForSelector(".finding .facts");
      await shot("finding");
    },
  },
  {
    name: "entity",
    async visit(page, { shot }) {
      await page.goto("/findings");
      await page.waitForSelector(".vt-row");
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.locator(".panel .entity-link").first().click();
      await page.waitForSelector(".entity .counts");
      await page.waitForSelector(".graph canvas");
      await shot("entity");
      // What was never seen says so, and how to look further.
      await page.goto("/entities/ip/192.0.2.254");
      await page.waitForSelector(".empty pre");
      await shot("entity-unknown", { refused: 404 });
    },
  },
  {
    name: "audit",
    async visit(page, { shot }) {
      await page.goto("/audit?q=what:sign_in");
      await page.waitForSelector(".vt-row");
      await shot("audit");
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".panel .facts");
      await shot("audit-panel");
    },
  },
  {
    name: "settings",
    async visit(page, { shot }) {
      await page.goto("/settings");
      await page.waitForSelector(".set-table tbody tr");
      await shot("settings-me");
      await page.goto("/settings?tab=users");
      await page.waitForSelector(".vt-row");
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".panel .binding");
      await shot("settings-user");
      await page.goto("/settings?tab=sessions");
      await page.waitForSelector(".set-table tbody tr");
      await shot("settings-sessions");
      await page.goto("/settings?tab=views");
      await page.waitForSelector(".empty, .set-table");
      await shot("settings-views");
      await page.goto("/settings?tab=tokens");
      await page.waitForSelector(".empty, .vt-row");
      await shot("settings-tokens");
    },
  },
];
