// What the scripts of the run share: the browser, the faults that were found, and what is
// wrong with any page.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browserPath =
  process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export const faults = [];

/** fault writes down what is wrong somewhere. */
export function fault(where, what) {
  faults.push(`${where}: ${what}`);
  console.error(`✗ ${where}: ${what}`);
}

/** launch starts Chromium. */
export function launch() {
  if (!browserPath) {
    console.error("there is no Chromium: apt-get install chromium fonts-noto-cjk, or name one with CHROMIUM");
    process.exit(2);
  }
  return chromium.launch({ executablePath: browserPath, args: ["--no-sandbox", "--force-color-profile=srgb"] });
}

/** watch collects what a page complains of. What it returns says how many requests were refused since it was asked last. */
export function watch(page, where) {
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

/** wide finds a page that is wider than its window. */
export async function wide(page, where) {
  const n = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (n > 0) fault(where, `is ${n} px wider than its window`);
}

/** look finds what is wrong with what a page shows. */
export async function look(page, where, refusedNow, options) {
  await wide(page, where);
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

/** until asks again and again until the answer is true, and throws what was said last when time is up. */
export async function until(ask, what, within = 60_000) {
  for (const end = Date.now() + within; ; ) {
    const answer = await ask();
    if (answer === true) return;
    if (Date.now() > end) throw new Error(`${what}: ${answer} after ${within / 1000} s`);
    await new Promise((ok) => setTimeout(ok, 200));
  }
}
