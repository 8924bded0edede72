// The pages that the run visits. A page brings its own steps: what must be seen, and the states
// of it that are worth a screen. shot(name) takes one and looks for faults in it. A page of
// src/app/pages.ts, or a tab of a page, that no shot shows makes the run fail.

// The sample logs are of one night.
const night = { range: "custom", from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z" };

/** answered runs the hunt of the page, and waits for its rows. */
async function answered(page) {
  await page.locator(".hunt-editor .cm-content").click();
  await page.keyboard.press("Control+Enter");
  await page.waitForSelector(".hunt-row", { timeout: 60_000 });
}

/** first opens the first row of a list at the side. */
async function first(page) {
  await page.waitForSelector(".vt-row");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".panel .section");
}

export const pages = [
  {
    name: "sign-in",
    stranger: true,
    async visit(page, { shot }) {
      await page.goto("/sign-in");
      await page.waitForSelector("form input");
      await shot("sign-in");
      await page.goto("/sign-in?problem=no_role&provider=example&request=01J0000000");
      await page.waitForSelector("[role=alert]");
      await shot("sign-in-problem");
    },
  },
  {
    name: "setup",
    stranger: true,
    async visit(page, { shot }) {
      await page.goto("/setup");
      await page.waitForSelector("main button");
      await shot("setup-over");
      await page.goto("/setup?sent#key=somebody-was-sent-this");
      await page.waitForSelector("form input");
      await shot("setup-invited");
    },
  },
  {
    name: "overview",
    async visit(page, { shot }) {
      await page.goto("/");
      await page.waitForSelector(".ov-stats .stat-value");
      await page.waitForSelector(".ov-hands .hand");
      await page.waitForSelector(".ov-attack .attack-cell");
      await shot("overview");
      await page.locator(".ov-lake").scrollIntoViewIfNeeded();
      await shot("overview-below");
    },
  },
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
      await page.waitForSelector(".panel .issue-main .section");
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
      await page.goto(`/issues?q=${encodeURIComponent('"CloudTrail logging disabled"')}`);
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
    name: "hunt",
    async visit(page, { shot }) {
      await page.goto("/hunt");
      await page.waitForSelector(".hunt-pick");
      await page.waitForSelector(".hunt-editor .cm-content");
      await shot("hunt");
      // Rows, one of them open, and a chart of them.
      const q = "events | summarize n = count() by actor_name, action | order by n desc";
      await page.goto(`/hunt?${new URLSearchParams({ lang: "kql", ...night, q })}`);
      await page.waitForSelector(".hunt-editor .cm-content");
      await answered(page);
      await page.locator(".hunt-row").nth(1).click();
      await page.waitForSelector(".panel .hunt-facts");
      await shot("hunt-row");
      await page.keyboard.press("Escape");
      const times = "events | summarize n = count() by bin(time, 1h) | order by time asc";
      await page.goto(`/hunt?${new URLSearchParams({ lang: "kql", ...night, q: times })}`);
      await page.waitForSelector(".hunt-editor .cm-content");
      await answered(page);
      await page.locator(".hunt-result-bar .mantine-SegmentedControl-label").last().click();
      await page.waitForSelector(".hunt-result canvas");
      await shot("hunt-chart");
      // A mistake is told at its place, and underlined there.
      await page.goto(`/hunt?${new URLSearchParams({ lang: "kql", q: "events\n| wheer outcome == 'failure'" })}`);
      await page.waitForSelector(".hunt-problems");
      await page.waitForSelector(".cm-lintRange-error");
      await shot("hunt-error");
      await page.goto("/hunt");
      await page.waitForSelector(".hunt-pick");
      await page.locator(".hunt-side .mantine-SegmentedControl-label").last().click();
      await page.waitForSelector(".hunt-tables summary");
      await shot("hunt-tables");
    },
  },
  {
    name: "rules",
    async visit(page, { shot }) {
      await page.goto("/rules?sort=-findings");
      await page.waitForSelector(".vt-row");
      await shot("rules");
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".panel .rule-editor .cm-content");
      await shot("rules-panel");
    },
  },
  {
    name: "rule",
    async visit(page, { shot }) {
      await page.goto("/rules?sort=-findings");
      await page.waitForSelector(".vt-row a[href^='/rules/']");
      await page.goto(await page.getAttribute(".vt-row a[href^='/rules/']", "href"));
      await page.waitForSelector(".rule-editor .cm-content");
      await shot("rule");
      // The rule is tried over the records that are kept.
      await page.locator(".rule-bar button").first().click();
      await page.waitForSelector(".rule-bar ~ [role=status], .rule-hits li", { timeout: 60_000 });
      await shot("rule-test");
      await page.goto("/rules/new");
      await page.waitForSelector(".rule-editor .cm-content");
      await shot("rule-new");
    },
  },
  {
    name: "policy",
    async visit(page, { shot }) {
      await page.goto("/policy");
      await page.waitForSelector(".written-editor .cm-content");
      await page.waitForSelector(".written-good");
      await shot("policy");
      await page.locator(".page-head button").nth(-2).click();
      await page.waitForSelector(".written-side .table", { timeout: 60_000 });
      await shot("policy-replay");
      await page.locator(".written-editor .cm-content").click();
      await page.keyboard.press("Control+End");
      await page.keyboard.type("lower: 1\n");
      await page.waitForSelector(".written-side .notice-bad");
      await shot("policy-error");
    },
  },
  {
    name: "suppressions",
    async visit(page, { shot }) {
      await page.goto("/suppressions");
      await page.waitForSelector(".empty, .vt-row");
      await shot("suppressions");
      // The form shows what it would have kept quiet before anything is kept quiet.
      await page.goto("/rules?sort=-findings");
      await page.waitForSelector(".vt-row a[href^='/rules/']");
      await page.goto(await page.getAttribute(".vt-row a[href^='/rules/']", "href"));
      await page.waitForSelector(".rule-editor .cm-content");
      await page.locator(".rule-head button").last().click();
      await page.waitForSelector("[role=dialog] .card .num", { timeout: 60_000 });
      await shot("suppressions-form");
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
    name: "entities",
    async visit(page, { shot }) {
      await page.goto("/entities");
      await page.waitForSelector(".vt-row");
      await shot("entities");
    },
  },
  {
    name: "documents",
    async visit(page, { shot, lang }) {
      await page.goto("/documents");
      await page.waitForSelector(".docs-list a");
      await shot("documents");
      const path = encodeURIComponent(lang === "ja" ? "runbooks/trail.ja.md" : "runbooks/trail.md");
      await page.goto(`/documents?open=${path}`);
      await page.waitForSelector(".doc-text table");
      await shot("documents-one");
      await page.goto(`/documents?open=${path}&edit=1`);
      await page.waitForSelector(".doc-area");
      await shot("documents-edit");
      for (const tab of ["accounts", "notifications"]) {
        await page.goto(`/documents?tab=${tab}`);
        await page.waitForSelector(".written-editor .cm-content");
        await page.waitForSelector(".written-good");
        await shot(`documents-${tab}`);
      }
      // What is wrong is said at its place, and nothing of it is kept.
      await page.locator(".written-editor .cm-content").click();
      await page.keyboard.press("Control+End");
      await page.keyboard.type("\ndigest: noon\n");
      await page.waitForSelector(".written-side .notice-bad");
      await shot("documents-notifications-wrong");
      await page.locator(".written-side button").last().click();
      await page.waitForSelector(".written-good");
    },
  },
  {
    name: "sources",
    async visit(page, { shot }) {
      await page.goto("/sources");
      await page.waitForSelector(".vt-row");
      await shot("sources");
      await first(page);
      await shot("sources-panel");
    },
  },
  {
    name: "sinks",
    async visit(page, { shot }) {
      await page.goto("/sinks");
      await page.waitForSelector(".vt-row");
      await shot("sinks");
      await first(page);
      await shot("sinks-panel");
      await page.goto("/sinks?tab=notices");
      await page.waitForSelector(".vt-row");
      await shot("notices");
      await page.goto("/sinks?tab=notices&q=state:dead");
      await first(page);
      await page.waitForSelector(".panel .notice-bad");
      await shot("notices-dead");
    },
  },
  {
    name: "ledger",
    async visit(page, { shot }) {
      await page.goto("/ledger");
      await page.waitForSelector(".ledger-sums");
      await shot("ledger");
      await page.goto("/ledger?tab=dead-letters");
      await page.waitForSelector(".vt-row");
      await shot("dead-letters");
      await first(page);
      await page.waitForSelector(".panel .raw");
      await shot("dead-letters-one");
    },
  },
  {
    name: "events",
    async visit(page, { shot }) {
      await page.goto("/events");
      await page.waitForSelector(".vt-row");
      await shot("events");
      await first(page);
      await page.waitForSelector(".panel .raw");
      await shot("events-panel");
      const [key, time] = new URL(page.url()).searchParams.get("open").split("~");
      await page.goto(`/events/${key}?${new URLSearchParams({ time })}`);
      await page.waitForSelector(".finding .raw");
      await shot("event");
      await page.goto(`/events/${"0".repeat(32)}`);
      await page.waitForSelector(".empty");
      await shot("event-unknown", { refused: 404 });
    },
  },
  {
    name: "accounts",
    async visit(page, { shot }) {
      await page.goto("/accounts");
      await page.waitForSelector(".vt-row");
      await shot("accounts");
      await first(page);
      await page.waitForSelector(".panel .facts");
      await shot("accounts-panel");
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
      await page.goto("/settings?tab=providers");
      await page.waitForSelector(".settings .facts");
      await shot("settings-providers");
      await page.goto("/settings?tab=config");
      await page.waitForSelector(".config .raw-line");
      await shot("settings-config");
    },
  },
];
