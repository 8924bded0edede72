// Takes the screens that the README shows, from the demo: what a reader sees is what `make demo`
// opens. They are written anew by `npm run e2e -- --screens`, into docs/screens.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { small } from "./png.mjs";
import { demo } from "./server.mjs";
import { fault, look, watch } from "./watch.mjs";

const limit = 250_000;

// Each page in both languages; each language has both themes.
const shots = [
  { name: "overview", themes: { en: "dark", ja: "light" }, take: overview },
  { name: "issues", themes: { en: "light", ja: "dark" }, take: issues },
  { name: "issue", themes: { en: "dark", ja: "light" }, take: issue },
  { name: "hunt", themes: { en: "light", ja: "dark" }, take: hunt },
];

async function overview(page) {
  await page.goto("/");
  await page.waitForSelector(".ov-attack .attack-cell");
  await page.waitForSelector(".ov-hours canvas");
  // The events of the lake come a moment after the rest.
  await page.waitForFunction(() => [...document.querySelectorAll(".stat-value")].every((s) => s.innerText !== "–"));
}

async function issues(page) {
  await page.goto("/issues?sort=-severity");
  await page.waitForSelector(".vt-row");
  await page.keyboard.press("j");
}

async function issue(page) {
  await page.goto(`/issues?q=${encodeURIComponent('"CloudTrail logging disabled"')}`);
  await page.waitForSelector(".vt-row a");
  await page.goto(await page.getAttribute(".vt-row a", "href"));
  await page.waitForSelector(".raw mark");
  await page.waitForSelector(".related li");
}

async function hunt(page) {
  const q =
    "events\n| where outcome == 'failure' and isnotempty(actor_name)\n| summarize n = count(), last = max(time) by actor_name, action\n| order by n desc";
  await page.goto(`/hunt?${new URLSearchParams({ lang: "kql", range: "7d", q })}`);
  await page.waitForSelector(".hunt-pick");
  await page.locator(".hunt-editor .cm-content").click();
  await page.keyboard.press("Control+Enter");
  await page.waitForSelector(".hunt-row", { timeout: 60_000 });
}

/** readme writes the screens into a folder. */
export async function readme(browser, folder) {
  const server = await demo();
  try {
    const first = await browser.newContext({ baseURL: server.url });
    const page = await first.newPage();
    await page.goto(server.link);
    await page.waitForSelector("nav.nav");
    const { cookies } = await first.storageState();
    await first.close();
    for (const lang of ["en", "ja"]) for (const shot of shots) await one(browser, server, cookies, folder, shot, lang);
  } finally {
    await server.stop();
  }
}

async function one(browser, server, cookies, folder, shot, lang) {
  const theme = shot.themes[lang];
  const where = `${shot.name}-${lang}`;
  const prefs = { lang, theme, zone: "Asia/Tokyo" };
  const context = await browser.newContext({
    baseURL: server.url,
    viewport: { width: 1280, height: 800 },
    colorScheme: theme,
    reducedMotion: "reduce",
    storageState: {
      cookies,
      origins: [{ origin: server.url, localStorage: [{ name: "yagura.prefs", value: JSON.stringify(prefs) }] }],
    },
  });
  try {
    const page = await context.newPage();
    const refused = watch(page, () => where);
    await shot.take(page);
    await page.waitForLoadState("networkidle", { timeout: 3000 }).catch(() => undefined); // the stream stays open
    await page.evaluate(() => document.fonts.ready);
    const png = small(await page.screenshot());
    await look(page, where, refused(), {});
    if (png.length > limit) fault(where, `the screen has ${png.length} bytes, more than ${limit}`);
    writeFileSync(join(folder, `${where}.png`), png);
    console.log(`✓ ${where}.png, ${Math.round(png.length / 1000)} kB`);
  } catch (err) {
    fault(where, err.message.split("\n").slice(0, 3).join(" "));
  } finally {
    await context.close();
  }
}
