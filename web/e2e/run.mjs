// The end-to-end run: the real binary, the real browser. It signs in through the set-up link,
// visits every page in both languages and both themes, works an issue from the keyboard, and
// fails on: an error on the console, a page that is wider than its window, a serious fault that
// axe finds, a text that looks like a key of a catalogue.
//
//   node e2e/run.mjs [page …]      CONSOLE_BIN, CHROMIUM and SCREENS say what and where to
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { pages } from "./pages.mjs";
import { start } from "./server.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const screens = resolve(process.env.SCREENS ?? join(import.meta.dirname, "screens"));
const browserPath =
  process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const who = { name: "mary@example.com", password: "a quiet harbour at dusk" };
const only = process.argv.slice(2);
const faults = [];
const fault = (where, what) => {
  faults.push(`${where}: ${what}`);
  console.error(`✗ ${where}: ${what}`);
};

/** watch collects what a page complains of. */
function watch(page, where) {
  let refused = 0;
  page.on("console", (m) => {
    if (m.type() !== "error" && m.type() !== "warning") return;
    // A refusal that a step asks for is told by the browser too; the step says so.
    if (/Failed to load resource/.test(m.text())) {
      refused++;
      return;
    }
    fault(where(), `console ${m.type()}: ${m.text().slice(0, 300)}`);
  });
  page.on("pageerror", (e) => fault(where(), `threw: ${e.message.slice(0, 300)}`));
  return () => {
    const n = refused;
    refused = 0;
    return n;
  };
}

async function look(page, where, refusedNow, options) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) fault(where, `is ${wide} px wider than its window`);
  const text = await page.evaluate(() => document.body.innerText);
  for (const m of text.matchAll(/\b(undefined|NaN|\[object Object\]|__\w+__)\b/g)) fault(where, `shows ${m[0]}`);
  if (refusedNow > 0 && !options.refused) fault(where, `${refusedNow} requests were refused`);
  // The library is put in through the debugger, past the content policy of the page.
  await page.evaluate(axe);
  const r = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], resultTypes: ["violations"] }),
  );
  for (const v of r.violations.filter((v) => v.impact === "serious" || v.impact === "critical"))
    fault(
      where,
      `axe ${v.id}: ${v.help} — ${v.nodes.length} × ${v.nodes[0].target.join(" ")} ${(v.nodes[0].any[0]?.message ?? "").slice(0, 160)}`,
    );
}

if (!browserPath) {
  console.error("there is no Chromium: apt-get install chromium fonts-noto-cjk, or name one with CHROMIUM");
  process.exit(2);
}
mkdirSync(screens, { recursive: true });
const server = await start();
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox", "--force-color-profile=srgb"],
});
let failed = false;
try {
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

  for (const [lang, theme] of [
    ["en", "dark"],
    ["ja", "light"],
    ["en", "light"],
    ["ja", "dark"],
  ]) {
    const context = await browser.newContext({
      baseURL: server.url,
      viewport: { width: 1440, height: 900 },
      colorScheme: theme,
      reducedMotion: "reduce",
      storageState: {
        ...state,
        origins: [
          {
            origin: server.url,
            localStorage: [{ name: "yagura.prefs", value: JSON.stringify({ lang, theme, zone: "Asia/Tokyo" }) }],
          },
        ],
      },
    });
    for (const p of pages) {
      if (only.length > 0 && !only.includes(p.name)) continue;
      const tab = await context.newPage();
      let where = `${p.name} ${lang} ${theme}`;
      const refused = watch(tab, () => where);
      const shot = async (name, options = {}) => {
        where = `${name} ${lang} ${theme}`;
        await tab.waitForLoadState("networkidle", { timeout: 3000 }).catch(() => undefined); // the stream stays open
        await tab.screenshot({ path: join(screens, `${name}-${lang}-${theme}.png`) });
        await look(tab, where, refused(), options);
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
    await context.close();
  }

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
    await tab.screenshot({ path: join(screens, "phone-issues.png") });
    await look(tab, "phone issues", refused(), {});
    await tab.goto(await tab.getAttribute(".vt-row a", "href"));
    await tab.waitForSelector(".issue-head");
    await tab.screenshot({ path: join(screens, "phone-issue.png") });
    await look(tab, "phone issue", refused(), {});
    await context.close();
  }
} catch (err) {
  failed = true;
  console.error(err);
} finally {
  await browser.close();
  await server.stop();
}
if (failed || faults.length > 0) {
  console.error(`${faults.length} faults; screens are in ${screens}`);
  process.exit(1);
}
console.log(`no faults; screens are in ${screens}`);
