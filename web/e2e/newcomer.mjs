// A newcomer in the demo: no manual, nothing known but what the page says. Everything is found
// by its role and its words, in English and in Japanese. Each step looks at what is seen, and
// asks the API that it happened exactly once.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { demo } from "./server.mjs";
import { fault, watch, wide } from "./watch.mjs";
import { unzip } from "./zip.mjs";

const words = {
  en: {
    lang: "English",
    main: "Main navigation",
    account: /^Account and display/,
    issues: "Issues",
    rules: "Rules",
    suppressions: "Suppressions",
    urgent: "Urgent",
    noisiest: "Noisiest",
    levels: ["Critical", "High"],
    openPage: "Open as a page",
    why: "Why it fired",
    event: "The event",
    address: "Source address",
    entity: "Open the entity",
    palette: "Search and commands",
    take: "Take on",
    undo: "Undo",
    progress: "In progress",
    timeline: "Timeline",
    note: "Write a note",
    query: "Query",
    suppress: "Suppress…",
    quiet: "Keep quiet for a while",
    week: "1 week",
    would: /(\d[\d,]*) of (\d[\d,]*) findings of the last 7 days would have told nobody/,
    reason: "Why",
    save: "Suppress",
    saved: /Quiet until/,
    lift: /^Lift the suppression/,
    evidence: "Export the evidence",
    copy: "Copy",
    copyLink: "Copy the link",
    copied: "Copied",
    signOut: "Sign out",
    signIn: "Sign in",
    password: "Password",
    again: "Password again",
    create: "Set it and sign in",
  },
  ja: {
    lang: "日本語",
    main: "メインナビゲーション",
    account: /^アカウントと表示/,
    issues: "課題",
    rules: "ルール",
    suppressions: "抑止",
    urgent: "至急",
    noisiest: "検知が多い順",
    levels: ["緊急", "高"],
    openPage: "ページで開く",
    why: "検知した理由",
    event: "イベント",
    address: "送信元アドレス",
    entity: "エンティティを開く",
    palette: "検索とコマンド",
    take: "対応を始める",
    undo: "元に戻す",
    progress: "対応中",
    timeline: "経過",
    note: "メモを書く",
    query: "検索条件",
    suppress: "抑止…",
    quiet: "しばらく通知しない",
    week: "1 週間",
    would: /直近 7 日の検出結果 (\d[\d,]*) 件のうち (\d[\d,]*) 件が通知されなくなります/,
    reason: "理由",
    save: "抑止する",
    saved: /まで通知しません/,
    lift: /^抑止を解除/,
    evidence: "証跡を書き出す",
    copy: "コピー",
    copyLink: "リンクをコピー",
    copied: "コピーしました",
    signOut: "サインアウト",
    signIn: "サインイン",
    password: "パスワード",
    again: "パスワード（確認）",
    create: "設定してサインイン",
  },
};

const order = ["critical", "high", "medium", "low", "none"];

function must(ok, what) {
  if (!ok) throw new Error(what);
}

/** newcomer goes the whole way in a demo of its own. */
export async function newcomer(browser, screens) {
  const server = await demo();
  try {
    await walks(browser, server, screens);
  } finally {
    await server.stop();
  }
}

/** walks goes the whole way in both languages: by the link of the demo, and by an invitation. */
export async function walks(browser, server, screens) {
  let link = server.link;
  for (const lang of ["en", "ja"]) {
    const context = await browser.newContext({
      baseURL: server.url,
      viewport: { width: 1440, height: 900 },
      locale: lang === "en" ? "en-GB" : "ja-JP",
      permissions: ["clipboard-write"],
    });
    const walk = new Walk(browser, context, server, lang, screens);
    try {
      link = await walk.all(link);
      console.log(`✓ newcomer ${lang}`);
    } catch (err) {
      fault(`newcomer ${lang}, ${walk.at}`, err.message.split("\n").slice(0, 6).join(" "));
      await walk.page?.screenshot({ path: join(screens, `fault-newcomer-${lang}.png`) }).catch(() => undefined);
      return;
    } finally {
      await context.close();
    }
  }
}

class Walk {
  constructor(browser, context, server, lang, screens) {
    Object.assign(this, { browser, context, server, lang, screens, w: words[lang], at: "begin" });
  }

  /** api asks the API as the page does. */
  async api(path, method = "GET", body) {
    const headers = {};
    if (method !== "GET") {
      const session = await (await this.context.request.get("/api/v1/session")).json();
      headers["X-CSRF-Token"] = session.csrf;
    }
    const r = await this.context.request.fetch(`/api/v1${path}`, { method, headers, data: body });
    must(r.ok(), `${method} ${path} answers ${r.status()}: ${(await r.text()).slice(0, 300)}`);
    return r.status() === 204 ? undefined : r.json();
  }

  async timeline(id, what) {
    const { items } = await this.api(`/issues/${id}/timeline?limit=1000`);
    return items.filter((e) => e.what === what);
  }

  /** step names what comes, and looks at the page when it is done. */
  async step(name, run) {
    this.at = name;
    const began = Date.now();
    await run();
    await wide(this.page, `newcomer ${this.lang}, ${name}`);
    console.log(`  · newcomer ${this.lang}: ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  }

  /** passed lets the time for undo go by on the clock of the page, and waits for the request. */
  async passed(url, method = "POST") {
    const sent = this.page.waitForResponse((r) => url.test(r.url()) && r.request().method() === method);
    await this.page.clock.fastForward(6000);
    const r = await sent;
    must(r.ok(), `${method} ${url} answers ${r.status()}`);
  }

  /** all walks from a link; it returns one that lets the next walk in. */
  async all(link) {
    const { w } = this;
    const page = await this.context.newPage();
    this.page = page;
    const refused = watch(page, () => `newcomer ${this.lang}, ${this.at}`);
    const written = [];
    page.on("request", (r) => r.method() !== "GET" && written.push(`${r.method()} ${new URL(r.url()).pathname}`));
    const times = (what) => written.filter((x) => x === what).length;
    await page.clock.install();
    page.setDefaultTimeout(20_000);
    const nav = page.getByRole("navigation", { name: w.main });
    const rows = page.getByRole("row").filter({ has: page.getByRole("link") });
    const titled = (i) => (this.lang === "ja" && i.title_ja) || i.title;
    const facts = (name) => page.locator("dt", { hasText: name }).locator("+ dd");

    await this.step("come in", async () => {
      if (link === this.server.link) await page.goto(link);
      else await this.accept(page, link);
      await page.getByRole("button", { name: /Account and display|アカウントと表示/ }).click();
      await page.getByRole("menuitemradio", { name: w.lang }).click();
      await page.keyboard.press("Escape");
      await nav.getByRole("link", { name: w.issues, exact: true }).waitFor();
      must((await page.locator("html").getAttribute("lang")) === this.lang, "the document does not say its language");
    });

    let issue;
    await this.step("find the most urgent issue", async () => {
      await nav.getByRole("link", { name: w.issues, exact: true }).click();
      await page.getByRole("link", { name: w.urgent, exact: true }).click();
      await rows.first().waitFor();
      const open = await this.api("/issues?q=status:open+suppressed:no&sort=-severity&limit=200");
      const top = order.find((l) => open.items.some((i) => i.severity === l));
      const link = rows.first().getByRole("link");
      const id = (await link.getAttribute("href")).split("/").pop();
      issue = await this.api(`/issues/${id}`);
      must(issue.severity === top, `the first row is ${issue.severity}, and there is a ${top} one`);
      must((await rows.first().innerText()).includes(w.levels[order.indexOf(top)]), "the row does not name its level");
      await link.click();
      await page.getByRole("link", { name: w.openPage }).click();
      await page.waitForURL(new RegExp(`/issues/${id}$`));
      await page.getByRole("heading", { level: 1, name: titled(issue) }).waitFor();
      await page.getByRole("heading", { name: w.why }).waitFor();
    });

    await this.step("see what is known of an address that the record names", async () => {
      const record = page.getByRole("region", { name: w.event, exact: true });
      await record.locator("mark").first().waitFor();
      const named = record
        .locator("a.named")
        .filter({ hasText: /^\d+(\.\d+){3}$/ })
        .first();
      const ip = await named.innerText();
      await named.click();
      await page.getByRole("menuitem", { name: w.entity }).click();
      await page.waitForURL(`**/entities/ip/${ip}`);
      await page.getByRole("heading", { level: 1, name: ip }).waitFor();
    });

    await this.step("take the next one that has an address", async () => {
      // The alert of a vendor has no source address; the way back is that of anybody.
      await nav.getByRole("link", { name: w.issues, exact: true }).click();
      await page.getByRole("link", { name: w.urgent, exact: true }).click();
      await rows.first().waitFor();
      const urgent = await this.api("/issues?q=status:open+severity:%3E%3Dhigh+suppressed:no&sort=-severity&limit=200");
      for (const i of urgent.items) {
        if (!i.latest?.event?.src_ip) continue;
        const { items } = await this.api(`/issues/${i.id}/events?limit=1`);
        if (items[0]?.clauses?.some((c) => c.end > 0)) {
          issue = await this.api(`/issues/${i.id}`);
          break;
        }
      }
      await page.locator(`a[href="/issues/${issue.id}"]`).click();
      await page.getByRole("link", { name: w.openPage }).click();
      await page.getByRole("heading", { level: 1, name: titled(issue) }).waitFor();
    });

    await this.step("see why it fired", async () => {
      await page.getByRole("heading", { name: w.why }).waitFor();
      const { items } = await this.api(`/issues/${issue.id}/events?limit=1`);
      const [event] = items;
      must(event?.clauses?.length > 0 && event.raw, `the API knows no clauses of ${issue.id}`);
      const marked = page.getByRole("region", { name: w.event, exact: true }).locator("mark");
      await marked.first().waitFor();
      const texts = await marked.allInnerTexts();
      const found = event.clauses.filter((c) => c.end > 0);
      must(found.length > 0, "no clause was found in the record");
      for (const t of texts) {
        const value = t.replace(/^"|"$/g, "");
        must(
          found.some((c) => c.actual.includes(value) || value.includes(c.actual) || c.value.includes(value)),
          `${t} is marked, and no clause speaks of it`,
        );
      }
    });

    await this.step("see what else the address did", async () => {
      const ip = (await facts(w.address).innerText()).trim();
      must(/^[0-9a-f.:]+$/.test(ip), `the source address is ${JSON.stringify(ip)}`);
      await page.keyboard.press("Control+k");
      const box = page.getByRole("combobox", { name: w.palette });
      await box.waitFor();
      await page.keyboard.insertText(ip);
      const hit = page.getByRole("option").filter({ hasText: ip }).first();
      await hit.waitFor();
      must((await hit.getAttribute("aria-selected")) === "true", "what was pasted is not the first choice");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/entities\/ip\//);
      await page.getByRole("heading", { name: ip }).first().waitFor();
      const entity = await this.api(`/entities/ip/${encodeURIComponent(ip)}`);
      must(entity.findings_n > 0, `the API knows no finding of ${ip}`);
      const action = entity.actions?.[0]?.action;
      if (action) await page.getByText(action, { exact: true }).first().waitFor();
      await page.goBack();
      await page.getByRole("heading", { name: w.why }).waitFor();
    });

    await this.step("acknowledge", async () => {
      const before = (await this.timeline(issue.id, "acknowledged")).length;
      const status = page.locator("header").getByText(w.progress, { exact: true });
      await page.getByRole("button", { name: w.take }).click();
      await status.waitFor();
      await page.getByRole("button", { name: w.undo }).click();
      await page.getByRole("button", { name: w.take }).waitFor();
      must((await this.api(`/issues/${issue.id}`)).status === "open", "what was undone was sent");
      await page.getByRole("button", { name: w.take }).click();
      await page.getByRole("button", { name: w.undo }).waitFor();
      await this.passed(/\/api\/v1\/issues\/changes/);
      await page.getByRole("button", { name: w.undo }).waitFor({ state: "detached" });
      await status.waitFor();
      must(times("POST /api/v1/issues/changes") === 1, "it was not sent once");
      must((await this.timeline(issue.id, "acknowledged")).length === before + 1, "it is not in the timeline once");
      must((await this.api(`/issues/${issue.id}`)).status === "acknowledged", "the API does not say so");
    });

    const note = `踏み台ホストの権限を確認しました (${this.lang === "en" ? "一人目" : "二人目"})`;
    await this.step("comment in Japanese and find it by free text", async () => {
      await page.getByRole("tab", { name: w.timeline }).click();
      await page.getByRole("textbox", { name: w.note }).fill(note);
      const sent = page.waitForResponse((r) => r.request().method() === "POST" && r.url().includes("/changes"));
      await page.keyboard.press("Control+Enter");
      must((await sent).ok(), "the note was refused");
      await page.getByRole("list", { name: w.timeline }).getByText(note).waitFor();
      const notes = await this.timeline(issue.id, "note");
      must(notes.filter((e) => e.text === note).length === 1, "the API does not have the note once");
      await nav.getByRole("link", { name: w.issues, exact: true }).click();
      const box = page.getByRole("combobox", { name: w.query });
      await box.fill("権限");
      await box.press("Enter");
      await page.waitForURL((u) => u.searchParams.get("q") === "権限");
      const row = page.getByRole("row").filter({ has: page.locator(`a[href="/issues/${issue.id}"]`) });
      await row.waitFor();
      must((await row.count()) === 1, "the issue is in the list more than once");
    });

    await this.step("export the evidence", async () => {
      await page.goto(`/issues/${issue.id}`);
      const download = page.waitForEvent("download");
      await page.getByRole("link", { name: w.evidence }).click();
      const d = await download;
      must(/^[\w.-]+\.zip$/.test(d.suggestedFilename()), `the archive is called ${d.suggestedFilename()}`);
      const files = unzip(readFileSync(await d.path()));
      const manifest = JSON.parse(files.get("manifest.json"));
      must(manifest.issue === issue.id, "the manifest is of another issue");
      must(manifest.files.length >= 5, `the manifest names ${manifest.files.length} files`);
      for (const f of manifest.files) {
        const data = files.get(f.name);
        must(data, `${f.name} is in the manifest, and not in the archive`);
        const sum = createHash("sha256").update(data).digest("hex");
        must(sum === f.sha256 && data.length === f.size, `${f.name} is not what the manifest says`);
      }
      must(files.size === manifest.files.length + 1, "the archive has more than its manifest");
      const events = files
        .get("events.jsonl")
        .toString()
        .trim()
        .split("\n")
        .map((l) => JSON.parse(l));
      must(events.length > 0, "there is no record in the archive");
      for (const e of events) {
        const raw = e.raw !== undefined ? Buffer.from(e.raw) : e.raw_base64 && Buffer.from(e.raw_base64, "base64");
        if (raw)
          must(createHash("sha256").update(raw).digest("hex") === e.sha256, `the record ${e.key} is not its sum`);
      }
      must(
        events.some((e) => e.raw),
        "no record came with its text",
      );
      must(files.get("timeline.jsonl").toString().includes(note), "the note is not in the archive");
    });

    await this.step("copy a link, and somebody else sees the same", async () => {
      await page.getByRole("button", { name: w.copy, exact: true }).first().click();
      await page.getByRole("menuitem", { name: w.copyLink }).click();
      await page.getByText(w.copied).waitFor();
      // What was copied is pasted, as people do: no page may read the clipboard.
      await page.keyboard.press("Control+k");
      const box = page.getByRole("combobox", { name: w.palette });
      await box.waitFor();
      await page.keyboard.press("Control+v");
      const link = await box.inputValue();
      await page.keyboard.press("Escape");
      must(link === `${this.server.url}/issues/${issue.id}`, `the link is ${link}`);
      await this.colleague(link, issue, note);
    });

    let rule;
    await this.step("suppress the noisiest rule for a week", async () => {
      await nav.getByRole("link", { name: w.rules, exact: true }).click();
      await page.getByRole("button", { name: w.noisiest, exact: true }).click();
      await rows.first().waitFor();
      const noisy = await this.api("/rules?q=noise:%3E0&sort=-noise&limit=1");
      const link = rows.first().getByRole("link").first();
      const id = decodeURIComponent((await link.getAttribute("href")).split("/").pop());
      must(id === noisy.items[0].id, `the first row is ${id}, the noisiest rule ${noisy.items[0].id}`);
      [rule] = noisy.items;
      await link.click();
      await page.getByRole("button", { name: w.suppress, exact: true }).click();
      const dialog = page.getByRole("dialog", { name: w.quiet });
      await dialog.getByRole("radio", { name: w.week }).waitFor({ state: "attached" });
      must(await dialog.getByRole("radio", { name: w.week }).isChecked(), "a week is not what is offered first");
      const said = dialog.getByText(w.would);
      await said.waitFor({ timeout: 60_000 });
      const [a, b] = w.would
        .exec(await said.innerText())
        .slice(1)
        .map((n) => Number(n.replaceAll(",", "")));
      must(Math.min(a, b) > 0, "the replay keeps nothing quiet");
      await dialog
        .getByRole("textbox", { name: w.reason })
        .fill(this.lang === "en" ? "Known and harmless." : "既知で無害です。");
      const sent = page.waitForResponse((r) => r.request().method() === "POST" && /\/suppressions(\?|$)/.test(r.url()));
      await dialog.getByRole("button", { name: w.save, exact: true }).click();
      const r = await sent;
      must(r.ok(), `the suppression was refused: ${(await r.text()).slice(0, 200)}`);
      await page.getByText(w.saved).waitFor();
      await dialog.waitFor({ state: "detached" });
      must(times("POST /api/v1/suppressions") === 1, "it was not sent once");
      const active = await this.made(rule.id);
      must(active.length === 1, `${active.length} suppressions of the rule are active`);
      const days = (Date.parse(active[0].until) - Date.now()) / 86_400_000;
      must(days > 6.9 && days < 7.1, `it ends in ${days} days`);
    });

    await this.step("see the suppression and lift it", async () => {
      await page.keyboard.press("Escape");
      await page.getByRole("link", { name: w.suppressions, exact: true }).click();
      const title = (this.lang === "ja" && rule.title_ja) || rule.title;
      const row = page
        .getByRole("row")
        .filter({ hasText: title })
        .filter({ has: page.getByRole("button", { name: w.lift }) });
      await row.getByRole("button", { name: w.lift }).click();
      await this.passed(/\/api\/v1\/suppressions\//, "DELETE");
      must((await this.made(rule.id)).length === 0, "it is still active");
    });

    const n = refused();
    if (n > 0) fault(`newcomer ${this.lang}`, `${n} requests were refused on the way`);
    const next = await this.invite(`next-${this.lang}`, "admin");
    await this.step("sign out", async () => {
      await page.screenshot({ path: join(this.screens, `newcomer-${this.lang}.png`) });
      const state = await this.context.storageState();
      await page.getByRole("button", { name: w.account }).click();
      await page.getByRole("menuitem", { name: w.signOut }).click();
      await page.waitForURL(/\/sign-in/);
      await page.getByRole("button", { name: w.signIn }).waitFor();
      await page.goto(`/issues/${issue.id}`);
      await page.waitForURL(/\/sign-in\?next=/);
      // Who kept the cookie has nothing of it.
      const again = await this.browser.newContext({ baseURL: this.server.url, storageState: state });
      const r = await again.request.get("/api/v1/session");
      must(r.status() === 401, `the session that was ended answers ${r.status()}`);
      await again.close();
    });
    return next;
  }

  /** invite makes a user and answers with the link that lets them in. */
  async invite(name, role) {
    const user = { name: `${name}@kogarashi.example`, display: name, bindings: [{ role }] };
    const r = await this.api("/users", "POST", user);
    return new URL(`/setup#key=${r.key}`, this.server.url).href;
  }

  /** accept sets the password of an invitation. */
  async accept(page, link) {
    await page.goto(link);
    await page.getByLabel(this.w.password, { exact: true }).fill("a boat on a still lake");
    await page.getByLabel(this.w.again, { exact: true }).fill("a boat on a still lake");
    await page.getByRole("button", { name: this.w.create }).click();
    await page.waitForURL((u) => u.pathname !== "/setup");
  }

  async made(rule) {
    const { items } = await this.api("/suppressions?q=state:active&limit=1000");
    return items.filter((s) => s.kind === "made" && s.rule === rule);
  }

  /** colleague is somebody else, in another browser, who was sent a link. */
  async colleague(link, issue, note) {
    const invitation = await this.invite(`colleague-${this.lang}`, "viewer");
    const context = await this.browser.newContext({
      baseURL: this.server.url,
      locale: this.lang === "en" ? "en-GB" : "ja-JP",
      viewport: { width: 1280, height: 800 },
    });
    try {
      const tab = await context.newPage();
      watch(tab, () => `newcomer ${this.lang}, colleague`);
      await this.accept(tab, invitation);
      await tab.goto(link);
      const title = (this.lang === "ja" && issue.title_ja) || issue.title;
      await tab.getByRole("heading", { level: 1, name: title }).waitFor();
      await tab.locator("header").getByText(this.w.progress, { exact: true }).waitFor();
      await tab.getByRole("tab", { name: this.w.timeline }).click();
      await tab.getByRole("list", { name: this.w.timeline }).getByText(note).waitFor();
      must((await tab.getByRole("button", { name: this.w.take }).count()) === 0, "a viewer is offered to take it on");
      await tab.getByRole("button", { name: this.w.account }).click();
      await tab.getByRole("menuitem", { name: this.w.signOut }).click();
      await tab.waitForURL(/\/sign-in/);
      must((await context.request.get("/api/v1/session")).status() === 401, "the colleague is still signed in");
    } finally {
      await context.close();
    }
  }
}
