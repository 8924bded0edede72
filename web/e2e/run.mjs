// The end-to-end run: the real binary, the real browser. It signs in through the set-up link,
// visits every page in both languages and both themes, works an issue from the keyboard, and
// fails on: an error on the console, a page that is wider than its window, a serious fault that
// axe finds, a text that looks like a key of a catalogue or is in the other language, and a page
// or tab that nothing visited. Then newcomer.mjs walks through the demo with what the page says
// alone, and hostile.mjs opens every page on logs that attack it.
//
//   node e2e/run.mjs [page | newcomer | hostile …]      CONSOLE_BIN, CHROMIUM and SCREENS say what and where to
//   node e2e/run.mjs --screens                          the screens of the README, from the demo, to docs/screens
import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { Cover, routes } from "./cover.mjs";
import { hostile } from "./hostile.mjs";
import { freePort, furnish, neighbour } from "./house.mjs";
import { newcomer } from "./newcomer.mjs";
import { pages } from "./pages.mjs";
import { readme } from "./readme.mjs";
import { start } from "./server.mjs";
import { fault, faults, launch, look, watch } from "./watch.mjs";
import { foreign } from "./words.mjs";

const forReadme = process.argv.includes("--screens");
const screens = resolve(process.env.SCREENS ?? join(import.meta.dirname, forReadme ? "../../docs/screens" : "screens"));
const who = { name: "mary@example.com", password: "a quiet harbour at dusk" };
const proofs = { newcomer, hostile };
const asked = process.argv.slice(2);
const only = asked.filter((n) => !(n in proofs));

/** visit goes through the pages of a server that has the sample logs. */
async function visit(server) {
  // Set-up, sign-out, a wrong and a right password.
  const first = await browser.newContext({
    baseURL: server.url,
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
  });
  const page = await first.newPage();
  watch(page, () => "set-up");
  await page.goto(server.setup);
  await page.waitForSelector("form input");
  await page.screenshot({ path: join(screens, "setup-en-dark.png") });
  const fields = page.locator("form input");
  await fields.nth(0).fill(who.name);
  await fields.nth(1).fill("Mary Tanaka");
  await fields.nth(2).fill(who.password);
  await fields.nth(3).fill(who.password);
  await page.locator("form button[type=submit]").click();
  await page.waitForSelector("nav.nav");
  if (page.url().includes(new URL(server.setup).hash.slice(5))) fault("set-up", "the key stays in the address");
  await first.clearCookies();
  await page.goto("/issues?q=status:open");
  await page.waitForURL(/\/sign-in\?next=/);
  await page.locator("form input").nth(0).fill(who.name);
  await page.locator("form input").nth(1).fill("not the password");
  await page.locator("form button[type=submit]").click();
  await page.waitForSelector("[role=alert]");
  await page.locator("form input").nth(1).fill(who.password);
  await page.locator("form button[type=submit]").click();
  await page.waitForURL(/\/issues\?q=status/);
  await page.waitForSelector(".vt-row", { timeout: 60_000 });
  const state = await first.storageState();
  await first.close();

  // Every page in both languages and both themes. The visits share the server and stand in one
  // queue; as many are under way as there are processors, each in a window of its own.
  const queue = [];
  const contexts = [];
  const looks = [
    ["en", "dark"],
    ["ja", "light"],
    ["en", "light"],
    ["ja", "dark"],
  ];
  const cover = new Cover(
    routes(),
    looks.map((l) => l.join(" ")),
  );
  for (const [lang, theme] of looks) {
    const wanted = pages.filter((p) => only.length === 0 || only.includes(p.name));
    if (wanted.length === 0) continue;
    // Somebody who is signed in, and for the pages before sign-in somebody who is not.
    for (const cookies of [state.cookies, []]) {
      const theirs = wanted.filter((p) => !!p.stranger === (cookies.length === 0));
      if (theirs.length === 0) continue;
      const context = await browser.newContext({
        baseURL: server.url,
        viewport: { width: 1280, height: 800 },
        colorScheme: theme,
        reducedMotion: "reduce",
        storageState: {
          cookies,
          origins: [
            {
              origin: server.url,
              localStorage: [{ name: "yagura.prefs", value: JSON.stringify({ lang, theme, zone: "Asia/Tokyo" }) }],
            },
          ],
        },
      });
      contexts.push(context);
      for (const p of theirs) queue.push({ context, p, lang, theme });
    }
  }
  const visitNext = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const { context, p, lang, theme } = job;
      const tab = await context.newPage();
      let where = `${p.name} ${lang} ${theme}`;
      const refused = watch(tab, () => where);
      const shot = async (name, options = {}) => {
        where = `${name} ${lang} ${theme}`;
        await tab.waitForLoadState("networkidle", { timeout: 3000 }).catch(() => undefined); // the stream stays open
        await tab.screenshot({ path: join(screens, `${name}-${lang}-${theme}.png`) });
        await look(tab, where, refused(), options);
        for (const t of await foreign(tab, lang)) fault(where, `says "${t}" in the other language`);
        const parts = await tab.evaluate(() => {
          const tabs = [...document.querySelectorAll("[role=tab]")].filter((t) => !t.closest(".panel"));
          return {
            named: [...document.querySelectorAll(".tabbar a")].map((a) => a.href),
            tabs: tabs.length,
            on: tabs.findIndex((t) => t.getAttribute("aria-selected") === "true"),
          };
        });
        const at = new URL(tab.url());
        at.hash = "";
        cover.look(at.href, `${lang} ${theme}`, [
          ...parts.named,
          ...Array.from({ length: parts.tabs }, (_, i) => `${at.href}#tab-${i}`),
        ]);
        if (parts.on >= 0) cover.look(`${at.href}#tab-${parts.on}`, `${lang} ${theme}`, []);
      };
      try {
        await p.visit(tab, { shot, lang, theme, base: server.url });
        console.log(`✓ ${p.name} ${lang} ${theme}`);
      } catch (err) {
        fault(where, err.message.split("\n").slice(0, 3).join(" "));
        await tab.screenshot({ path: join(screens, `fault-${p.name}-${lang}-${theme}.png`) });
      }
      await tab.close();
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, visitNext));
  for (const c of contexts) await c.close();
  if (only.length === 0) for (const m of cover.missing()) fault("cover", m);

  // An issue from the keyboard to its end: take on, undo, note, close.
  if (only.length === 0 || only.includes("work")) {
    const context = await browser.newContext({
      baseURL: server.url,
      viewport: { width: 1280, height: 800 },
      storageState: state,
      locale: "en-GB",
    });
    const tab = await context.newPage();
    watch(tab, () => "work");
    try {
      await tab.goto("/issues?q=status:open");
      await tab.waitForSelector(".vt-row");
      await tab.keyboard.press("j");
      await tab.keyboard.press("a");
      await tab.waitForSelector(".toast-held");
      await tab.keyboard.press("Control+z");
      await tab.waitForSelector(".toast-held", { state: "detached" });
      const href = await tab.getAttribute(".vt-cursor a", "href");
      await tab.keyboard.press("a");
      await tab.waitForSelector(".toast-held");
      // The page goes before the five seconds are over: the change must not be lost.
      await tab.goto(href);
      await tab.waitForSelector(".issue-head .status-acknowledged", { timeout: 15_000 });
      await tab.keyboard.press("c");
      await tab.waitForSelector(".note textarea");
      await tab.keyboard.type("Asked **mary**: planned.");
      await tab.keyboard.press("Control+Enter");
      await tab.waitForSelector(".timeline strong");
      await tab.keyboard.press("Escape");
      await tab.locator("body").click({ position: { x: 700, y: 20 } });
      await tab.keyboard.press("e");
      await tab.waitForSelector("dialog, [role=dialog]");
      await tab.locator("[role=dialog] textarea").fill("It was planned.");
      await tab.locator("[role=dialog] button[type=submit]").click();
      await tab.waitForSelector(".issue-head .status-closed");
      await tab.waitForSelector(".toast-held", { state: "detached", timeout: 15_000 });
      await tab.reload();
      await tab.waitForSelector(".issue-head .status-closed");
      console.log("✓ work");
    } catch (err) {
      fault("work", err.message.split("\n").slice(0, 3).join(" "));
      await tab.screenshot({ path: join(screens, "fault-work.png") });
    }
    await context.close();
  }

  // A phone, for reading.
  if (only.length === 0 || only.includes("phone")) {
    const context = await browser.newContext({
      baseURL: server.url,
      viewport: { width: 390, height: 844 },
      storageState: state,
      locale: "ja-JP",
      isMobile: true,
    });
    const tab = await context.newPage();
    const refused = watch(tab, () => "phone");
    await tab.goto("/issues");
    await tab.waitForSelector(".vt-row");
    // Every page of the navigation, and one thing of each list that has pages of its own.
    const hrefs = await tab.evaluate(() =>
      [...document.querySelectorAll("nav.nav a")].map((a) => a.getAttribute("href")),
    );
    for (const list of ["/issues", "/rules"]) {
      await tab.goto(list);
      await tab.waitForSelector(`.vt-row a[href^='${list}/']`);
      hrefs.push(await tab.getAttribute(`.vt-row a[href^='${list}/']`, "href"));
    }
    for (const href of new Set(hrefs)) {
      const name = href.startsWith("/issues/")
        ? "issue"
        : href.startsWith("/rules/")
          ? "rule"
          : href.slice(1) || "overview";
      await tab.goto(href);
      await tab.waitForSelector(".page h1, .page h2");
      await tab.waitForLoadState("networkidle", { timeout: 3000 }).catch(() => undefined);
      await tab.screenshot({ path: join(screens, `phone-${name}.png`) });
      await look(tab, `phone ${name}`, refused(), {});
    }
    await context.close();
  }
}

mkdirSync(screens, { recursive: true });
const browser = await launch();
let failed = false;
try {
  if (forReadme) await readme(browser, screens);
  else if (asked.length === 0 || only.length > 0) {
    const near = await neighbour();
    const port = await freePort();
    const server = await start(furnish(near.url, port), port).catch(async (err) => {
      await near.stop();
      throw err;
    });
    try {
      await visit(server);
    } finally {
      await server.stop();
      await near.stop();
    }
  }
  for (const [name, prove] of Object.entries(proofs))
    if (asked.length === 0 || asked.includes(name)) await prove(browser, screens);
} catch (err) {
  failed = true;
  console.error(err);
} finally {
  await browser.close();
}
if (failed || faults.length > 0) {
  console.error(`${faults.length} faults; screens are in ${screens}`);
  process.exit(1);
}
console.log(`no faults; screens are in ${screens}`);
