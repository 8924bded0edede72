// A server whose logs were written by somebody who attacks those that read them. Every page of
// the console is opened on it: nothing of the text may run, load, navigate, hide or break the
// page. Then the browser itself is asked what it refuses: frames, forms of other sites,
// addresses that lead away.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { start } from "./server.mjs";
import { fault, until, watch, wide } from "./watch.mjs";

const evil = "https://evil.example";
const who = { name: "mary@example.com", password: "a quiet harbour at dusk" };

/** attacks are texts; what they would do if they were taken for more leaves window.owned, or asks evil.example. */
const attacks = [
  `<img src=x onerror="window.owned=1;fetch('${evil}/img')">`,
  `"><script>window.owned=2</script><script src=${evil}/x.js></script>`,
  `'><svg/onload=window.owned=3><animate onbegin=window.owned=3 attributeName=x dur=1s>`,
  `<iframe src="javascript:parent.owned=4" srcdoc="<script>parent.owned=4</script>"></iframe>`,
  `javascript:window.owned=5//`,
  `[open](javascript:window.owned=6) <javascript:window.owned=6>`,
  `![pixel](${evil}/pixel.png) <img src="${evil}/pixel.png">`,
  `[data](data:text/html,<script>parent.owned=7</script>)`,
  `[out](//evil.example/x) [back](/\\evil.example/x) ${evil}/link`,
  `\${window.owned=8} \`\${window.owned=8}\``,
  `{{constructor.constructor('window.owned=9')()}} #{7*7} <%= 7*7 %>`,
  "invoice\u202efdp.exe\u2066x\u2069\u200bzero\u00adwidth\ufeff",
  "nul\u0000esc\u001b[31mred\u001b]0;title\u0007bell\u0008",
  `=HYPERLINK("${evil}","click")`,
  `@SUM(1+1)*cmd|' /C calc'!A0`,
  "\t=cmd|' /C calc'!A0",
  "+1+1|'x'!A0",
  "-2+3+cmd|' /C calc'!A0",
  "\r\n=1+1",
  "name\r\nX-Evil: 1\r\nSet-Cookie: owned=1",
  "\u0440\u0430ur\u0430l.example \uff41\uff44\uff4d\uff49\uff4e \u212aelvin",
  `__proto__`,
  `</title></textarea></style></script><base href=${evil}/><meta http-equiv=refresh content="0;url=${evil}">`,
  `x" onmouseover="window.owned=10" style="position:fixed;inset:0" autofocus onfocus="window.owned=11`,
];
const long = `${"W".repeat(100_000)}<img src=x onerror=window.owned=12>`;
const deep = (n) => {
  let v = attacks[0];
  for (let i = 0; i < n; i++) v = { [i % 5 ? "d" : attacks[1]]: v };
  return v;
};

/** write fills the folder of logs; it returns what else the configuration says. */
function write(logs, dir) {
  const now = Date.now();
  const event = (text, i, more = {}) => ({
    eventVersion: "1.08",
    eventID: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
    eventTime: new Date(now - 600_000 - i * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
    eventType: "AwsApiCall",
    eventSource: "hostile.amazonaws.com",
    eventName: text,
    awsRegion: text,
    sourceIPAddress: text,
    userAgent: text,
    recipientAccountId: i % 2 ? "111122223333" : "444455556666",
    userIdentity: {
      type: "IAMUser",
      principalId: text,
      arn: `arn:aws:iam::111122223333:user/${text}`,
      accountId: "111122223333",
      userName: text,
      accessKeyId: text,
    },
    errorCode: text,
    errorMessage: text,
    requestParameters: { bucketName: text, name: text, [text]: text, list: attacks },
    responseElements: { text },
    resources: [{ ARN: `arn:aws:s3:::${text}`, accountId: "111122223333", type: text }],
    ...more,
  });
  const events = attacks.map((t, i) => event(t, i));
  events.push(event(long, 100), event("deep", 101, { requestParameters: deep(900) }));
  const file = (name, data) => writeFileSync(join(logs, name), data);
  for (const [i, e] of events.entries()) {
    // Names of objects are hostile too, as far as a file may have them.
    const name = i < attacks.length ? attacks[i].replace(/[/\0]/g, "_").slice(0, 60) : `${i}`;
    file(`${i} ${name}.json`, JSON.stringify({ Records: [e] }));
  }
  file(`broken ${attacks[0].replaceAll("/", "_")}.json`, `{"Records":[{"eventVersion":"1.08", ${attacks.join(" ")}`);
  file(
    "bytes.json",
    Buffer.concat([
      Buffer.from(`{"Records":[{"eventVersion":"1.08","x":"`),
      Buffer.from([0, 0xff, 0xfe, 0x1b, 0x5b, 0x32, 0x4a]),
      Buffer.from(attacks[1]),
    ]),
  );

  const rules = join(dir, "rules");
  mkdirSync(rules);
  const y = JSON.stringify; // a JSON text is a YAML text
  writeFileSync(
    join(rules, "sigma.yml"),
    `title: ${y(attacks[0])}
id: 11111111-1111-4111-8111-111111111111
status: experimental
description: ${y(attacks.join("\n\n"))}
author: ${y(attacks[2])}
references: [${y(`javascript:window.owned=20`)}, ${y(`${evil}/"><script>window.owned=21</script>`)}]
logsource: { product: aws, service: cloudtrail }
detection:
  selection: { eventSource: hostile.amazonaws.com }
  condition: selection
falsepositives: [${attacks.map(y).join(", ")}]
level: high
yagura:
  kind: behaviour
  reason: ${y(attacks[11])}
  runbook: { check: [${y(attacks[11])}, ${y(attacks[0])}], do: [${y(attacks[5])}] }
  ja: { title: ${y(`日本語${attacks[11]}${attacks[0]}`)}, description: ${y(attacks.join("\n\n"))}, runbook: { check: [${y(attacks[11])}], do: [${y(attacks[1])}] } }
`,
  );
  writeFileSync(
    join(rules, "falco.yaml"),
    `- rule: ${y(attacks[3])}
  desc: ${y(attacks[6])}
  condition: ct.src="hostile.amazonaws.com"
  output: ${y(`${attacks[1]} user=%ct.user agent=%ct.useragent name=%ct.name ip=%ct.srcip`)}
  priority: CRITICAL
  source: aws_cloudtrail
`,
  );
  return `rules: [${rules}]
accounts:
  "111122223333": { name: ${y(attacks[0])}, owner: ${y(attacks[11])}, environment: ${y(attacks[1])}, tags: [${y(attacks[4])}] }
  "444455556666": { name: ${y(`${attacks[11]}${attacks[1]}`)}, owner: ${y(attacks[13])} }
`;
}

/** hostile attacks the console. */
export async function hostile(browser, screens) {
  const server = await start(write);
  const outside = await elsewhere();
  let at = "set-up";
  try {
    const context = await browser.newContext({
      baseURL: server.url,
      viewport: { width: 1440, height: 900 },
      locale: "en-GB",
    });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    const siege = new Siege(context, page, server, outside, screens);
    for (const [name, run] of siege.steps()) {
      at = name;
      const began = Date.now();
      try {
        await run();
      } catch (err) {
        fault(`hostile, ${at}`, err.message.split("\n").slice(0, 6).join(" "));
        await page.screenshot({ path: join(screens, "fault-hostile.png") }).catch(() => undefined);
        if (name === "set-up" || name === "sow") return;
      }
      console.log(`  · hostile: ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    }
    await context.close();
    console.log("✓ hostile");
  } finally {
    outside.close();
    await server.stop();
  }
}

/** elsewhere is a second origin on this machine, whose pages a test writes. */
async function elsewhere() {
  const asked = [];
  const pages = new Map();
  const s = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    res.setHeader("Content-Type", "text/html; charset=utf-8");
    res.end(pages.get(req.url) ?? "");
  });
  await new Promise((ok) => s.listen(0, "127.0.0.1", ok));
  const { port } = s.address();
  // 127.0.0.1 is the same site on another port: cookies are sent to it, and only the origin
  // tells. localhost is another site.
  return { asked, pages, origins: [`http://127.0.0.1:${port}`, `http://localhost:${port}`], close: () => s.close() };
}

class Siege {
  constructor(context, page, server, outside, screens) {
    Object.assign(this, { context, page, server, outside, screens, where: "set-up", told: new Set() });
    this.refused = watch(page, () => `hostile, ${this.where}`);
    page.on("dialog", (d) => {
      // Our own page asks whether what was typed may be lost.
      if (d.type() === "beforeunload") return void d.accept();
      fault(`hostile, ${this.where}`, `a dialog: ${d.message()}`);
      void d.dismiss();
    });
    context.on("request", (r) => {
      const u = new URL(r.url());
      if (
        u.origin !== server.url &&
        !/^(data|blob|chrome-error|about):$/.test(u.protocol) &&
        !outside.origins.includes(u.origin)
      )
        fault(`hostile, ${this.where}`, `a request to ${r.url().slice(0, 200)}`);
    });
    context.on(
      "page",
      (p) => p !== page && this.mayOpen !== true && fault(`hostile, ${this.where}`, "a window opened"),
    );
  }

  steps() {
    return [
      ["set-up", () => this.setUp()],
      ["sow", () => this.sow()],
      ["pages", () => this.pages()],
      ["tables", () => this.tables()],
      ["downloads", () => this.downloads()],
      ["headers", () => this.headers()],
      ["frames", () => this.frames()],
      ["other sites", () => this.otherSites()],
      ["addresses that lead away", () => this.away()],
    ];
  }

  async setUp() {
    const { page } = this;
    await page.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", (e) =>
        window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`),
      );
    });
    await page.goto(this.server.setup);
    const fields = page.locator("form input");
    await fields.first().waitFor();
    await fields.nth(0).fill(who.name);
    await fields.nth(1).fill("Mary");
    await fields.nth(2).fill(who.password);
    await fields.nth(3).fill(who.password);
    await page.locator("form button[type=submit]").click();
    await page.waitForURL((u) => u.pathname !== "/setup");
  }

  /** call asks the API with the session's cookie and token. */
  async call(path, method = "GET", body, headers = {}) {
    if (method !== "GET" && !this.csrf)
      this.csrf = (await (await this.context.request.get("/api/v1/session")).json()).csrf;
    return this.context.request.fetch(`/api/v1${path}`, {
      method,
      headers: { ...(method === "GET" ? {} : { "X-CSRF-Token": this.csrf }), ...headers },
      data: body,
    });
  }

  async json(path, method, body) {
    const r = await this.call(path, method, body);
    if (!r.ok()) throw new Error(`${method ?? "GET"} ${path}: ${r.status()} ${(await r.text()).slice(0, 200)}`);
    return r.status() === 204 ? undefined : r.json();
  }

  /** sow waits until the logs are judged, and writes hostile text wherever people may. */
  async sow() {
    this.where = "sow";
    const expected = attacks.length + 2;
    // Two rules find each event, and the broken files are findings of the program's own.
    await until(async () => {
      const n = (await this.json("/findings?q=&limit=1000")).items.filter((f) => f.rule.engine !== "builtin").length;
      return n >= 2 * expected || `${n} of ${2 * expected} findings`;
    }, "the logs are judged");
    this.paths = (await this.json("/openapi.json")).paths;
    this.issues = (await this.json("/issues?q=&limit=1000")).items;
    const id = this.issues[0].id;
    const change = (body) => this.call(`/issues/${id}/changes`, "POST", body);
    const done = [];
    // What is not taken is a fault, unless it is text that must not be taken.
    const sown = async (name, asked, want = 200) => {
      const r = await asked;
      done.push(`${name} ${r.status()}`);
      if (r.status() !== want)
        fault("hostile, sow", `${name} answers ${r.status()}, not ${want}: ${(await r.text()).slice(0, 300)}`);
    };
    await sown("note", change({ what: "comment", text: attacks.join("\n\n") }));
    await sown("long note", change({ what: "comment", text: `${"*_[".repeat(6000)}` }));
    await sown("label", change({ what: "label", labels: attacks.slice(0, 3) }));
    await sown("label with hidden characters", change({ what: "label", labels: [attacks[11]] }));
    await sown("assign", change({ what: "assign", to: attacks[0] }));
    await sown(
      "suppress",
      change({
        what: "suppress",
        text: attacks[11] + attacks[0],
        until: new Date(Date.now() + 3_600_000).toISOString(),
      }),
    );
    await sown("me", this.call("/me", "PATCH", { display: `${attacks[11]}${attacks[0]}`.slice(0, 90) }));
    const view = (name, query) =>
      this.call("/views", "POST", { name, list: "issues", query, sort: "-updated", shared: true });
    await sown("view", view(attacks[1], ""));
    await sown("view with hidden characters", view(`v${attacks[11]}`, "status:open"));
    const user = (name, display) => this.call("/users", "POST", { name, display, bindings: [{ role: "viewer" }] });
    await sown("user", user("eve@example.com", attacks[0]));
    await sown("user with hidden characters", user("mallory@example.com", attacks[11]));
    // A name is what is typed to sign in: nothing but a plain word or address.
    for (const name of [`"><b>@x`, attacks[0], attacks[11], attacks[19], attacks[20]])
      await sown(`user ${JSON.stringify(name.slice(0, 12))}`, user(name, "x"), 422);
    await sown("user with a line end in the display name", user("oscar@example.com", attacks[19]), 422);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    const token = (name) =>
      this.call("/tokens", "POST", {
        name,
        bindings: [{ role: "viewer" }],
        expires: tomorrow,
      });
    await sown("token", token(attacks[0]));
    await sown("token with hidden characters", token(attacks[11]));
    await sown("token with a line end", token(attacks[19]), 422);
    await sown(
      "suppression",
      this.call("/suppressions", "POST", {
        q: "severity:low",
        until: tomorrow,
        reason: `${attacks[11]}${attacks.slice(0, 8).join(" ")}`.slice(0, 450),
      }),
    );
    await sown(
      "suppression of a hostile query",
      this.call("/suppressions", "POST", {
        q: `actor:${JSON.stringify(attacks[1])}`,
        until: tomorrow,
        reason: attacks[0],
      }),
    );
    const hunt = (name, more) =>
      this.call("/hunts", "POST", {
        name,
        title: { en: attacks[0], ja: `${attacks[11]}${attacks[1]}` },
        description: { en: attacks[11] + attacks[1], ja: attacks.slice(3, 11).join("\n") },
        lang: "kql",
        text: `events | where action == ${JSON.stringify(attacks[0])} // ${attacks[11]}`,
        ...more,
      });
    await sown("hunt", hunt("hostile"));
    for (const name of ["../hostile", attacks[0], "a/b", "x\r\nname: y"])
      await sown(`hunt ${JSON.stringify(name.slice(0, 12))}`, hunt(name), 422);
    const document = (path, text) => this.call(`/documents/${path}`, "PUT", { text }, { "If-None-Match": "*" });
    const writable = attacks.filter((a) => !a.includes("\u0000"));
    await sown("document", document("hostile.md", `# ${attacks[11]}${attacks[0]}\n\n${writable.join("\n\n")}`));
    await sown("document with NUL", document("nul.md", attacks[12]), 422);
    for (const path of [
      "%2e%2e%2fhostile.md",
      "..%2fx.md",
      "a%2f..%2f..%2fx.md",
      ".git%2fx.md",
      "x%0d%0ax.md",
      "c:%5cx.md",
      "x.html",
    ])
      await sown(`document ${path}`, document(path, "x"), 400);
    const rule = (id, text) => this.call(`/rules/${encodeURIComponent(id)}`, "PUT", { text });
    const sigma = (id, title) =>
      `title: ${JSON.stringify(title)}\nid: ${JSON.stringify(id)}\nauthor: ${JSON.stringify(attacks[1])}\nlogsource: { product: aws, service: cloudtrail }\n` +
      `detection:\n  sel: { eventName: ${JSON.stringify(attacks[5])} }\n  condition: sel\nlevel: low\n`;
    await sown("rule", rule("hostile-rule", sigma("hostile-rule", `${attacks[11]}${attacks[0]}`)));
    console.log(`    sown: ${done.join(", ")}`);
  }

  /** pages opens every page of the console. */
  async pages() {
    const { page } = this;
    const list = readFileSync(join(import.meta.dirname, "../src/app/pages.ts"), "utf8");
    const paths = [...list.matchAll(/path: "([^"]+)"/g)].map((m) => m[1]);
    const of = (text) => this.issues.find((i) => i.actor?.name?.includes(text) || i.actor?.id?.includes(text));
    const some = [attacks[0], attacks[11], attacks[12], "W".repeat(20), "deep"].map(of).filter(Boolean);
    if (some.length < 3) fault("hostile, pages", `only ${some.length} of the issues were found by their actors`);
    const noted = this.issues[0];
    const uri = encodeURIComponent;
    const fills = {
      "/issues": [
        "/issues?q=",
        `/issues?q=${uri('"><img src=x onerror=window.owned=30>')}`,
        `/issues?q=&open=${some[0].id}`,
      ],
      "/issues/$id": [noted, ...some].map((i) => `/issues/${i.id}`),
      "/rules/$id": (await this.rules()).map((r) => `/rules/${uri(r)}`).concat(`/rules/${uri(attacks[1])}`),
      "/entities/$type/$id": [0, 1, 4, 11]
        .map((i) => `/entities/ip/${uri(attacks[i])}`)
        .concat(`/entities/user/${uri(some[0].actor.id)}`),
      "/findings/$id": some.slice(0, 3).map((i) => `/findings/${uri(i.latest?.id ?? "")}`),
      "/events": [`/events?q=${uri('"><img src=x onerror=window.owned=32>')}`, "/events?q="],
      "/events/$key": some
        .slice(0, 3)
        .map(
          (i) =>
            `/events/${uri(i.latest?.event?.key ?? "")}?${new URLSearchParams({ time: i.latest?.event?.time ?? "" })}`,
        ),
      "/documents": [
        "/documents",
        "/documents?open=hostile.md",
        "/documents?open=hostile.md&edit=1",
        `/documents?open=${uri(attacks[1])}`,
        `/documents?new=${uri(`${attacks[11]}.md`)}`,
      ],
      "/settings": [
        "/settings",
        ...["views", "users", "tokens", "sessions", "providers", "config"].map((tab) => `/settings?tab=${tab}`),
      ],
      "/hunt": [
        `/hunt?lang=kql&q=${uri("events | take 100")}&run=1`,
        `/hunt?lang=sql&q=${uri(attacks[1])}&run=1`,
        `/hunt?lang=kql&q=${uri(`events | where action == ${JSON.stringify(attacks[11])}`)}&run=1`,
        "/hunt?hunt=hostile",
        `/hunt?hunt=${uri(attacks[1])}`,
      ],
      "/sign-in": [
        "/sign-in?problem=%3Cimg%20src=x%20onerror=window.owned=31%3E",
        "/sign-in?problem=__proto__",
        "/sign-in?problem=constructor",
      ],
      "/setup": ["/setup#key=%3Cimg%20src=x%20onerror=window.owned=32%3E"],
    };
    // Where what was sown must be read, as it was written.
    const seen = {
      "/issues?q=": attacks[0],
      "/hunt?hunt=hostile": attacks[0],
      "/documents": attacks[0],
      "/documents?open=hostile.md": attacks[10],
      "/rules/hostile-rule": attacks[0],
      "/suppressions": attacks[0],
      "/settings": attacks[0],
      "/settings?tab=views": attacks[1],
      "/settings?tab=users": attacks[0],
      "/settings?tab=tokens": attacks[0],
    };
    for (const path of paths) {
      const visits = fills[path] ?? (path.includes("$") ? undefined : [path]);
      if (!visits) {
        fault("hostile, pages", `${path} is opened with nothing hostile: say here with what`);
        continue;
      }
      for (const [n, visit] of visits.entries()) {
        for (const lang of n === 0 ? ["en", "ja"] : ["en"]) {
          this.where = `${visit.slice(0, 80)} ${lang}`;
          await page.evaluate(
            (lang) => localStorage.setItem("yagura.prefs", JSON.stringify({ lang, theme: "dark", zone: "" })),
            lang,
          );
          const began = Date.now();
          await page.goto(visit);
          await this.settle();
          await this.sound();
          const text = lang === "en" && seen[visit];
          if (text && !(await this.reads(text))) fault(`hostile, ${this.where}`, `does not show ${text.slice(0, 60)}`);
          delete seen[lang === "en" ? visit : ""];
          if (path === "/issues/$id") await this.tabs(n === 0);
          if (path === "/hunt") await this.side();
          if (/open=/.test(visit)) await page.keyboard.press("Escape");
          if (Date.now() - began > 20_000) fault(`hostile, ${this.where}`, `took ${Date.now() - began} ms`);
        }
      }
      await page.screenshot({ path: join(this.screens, `hostile${path.replace(/[^\w]+/g, "-")}.png`) });
    }
    for (const visit of Object.keys(seen)) fault("hostile, pages", `${visit} was not opened`);
    this.where = "palette";
    await page.goto("/issues?q=");
    await this.settle();
    for (const i of [0, 1, 11]) {
      await page.keyboard.press("Control+k");
      await page.locator(".palette input").fill(attacks[i].slice(0, 60));
      await this.settle();
      await this.sound();
      await page.keyboard.press("Escape");
    }
  }

  /** reads waits until the page shows a text; spaces may be others, and lists take a moment. */
  async reads(text) {
    const plain = (s) => s.replace(/\s+/g, " ");
    return this.page
      .waitForFunction(
        (text) => document.body.innerText.replace(/\s+/g, " ").includes(text),
        plain(text).slice(0, 40),
        { timeout: 5000 },
      )
      .then(
        () => true,
        () => false,
      );
  }

  async rules() {
    const { items } = await this.json("/rules?q=&limit=1000");
    if (items.length < 2) fault("hostile, pages", `there are ${items.length} rules`);
    return items.map((r) => r.id);
  }

  /** tabs opens what an issue's page shows only when it is asked. */
  async tabs(expectNote) {
    const { page } = this;
    const tabs = page.getByRole("tab");
    for (let i = 1; i < (await tabs.count()); i++) {
      await tabs.nth(i).click();
      await this.settle();
      await this.sound();
      if (i === 1 && expectNote) {
        const note = page.locator(".timeline .md").first();
        await note.waitFor();
        const links = await note.locator("a").evaluateAll((as) => as.map((a) => a.getAttribute("href")));
        if (links.some((h) => !/^(https:|\/(?![/\\]))/.test(h)))
          fault(`hostile, ${this.where}`, `the note links to ${links}`);
      }
    }
  }

  /** side opens what one was asking before, and the tables. */
  async side() {
    const choices = this.page.locator(".hunt-side .mantine-SegmentedControl-label");
    for (let i = (await choices.count()) - 1; i >= 0; i--) {
      await choices.nth(i).click();
      await this.settle();
      await this.sound();
    }
  }

  /** settle waits until nothing is asked any more; the stream stays open. */
  async settle() {
    const { page } = this;
    await page.locator("#root > *, form").first().waitFor({ timeout: 15_000 });
    await page.waitForLoadState("networkidle", { timeout: 1500 }).catch(() => undefined);
    await page
      .locator("[aria-busy=true]")
      .first()
      .waitFor({ state: "detached", timeout: 10_000 })
      .catch(() => undefined);
  }

  /** sound looks for what hostile text may have done to the page. */
  async sound() {
    const { page } = this;
    const where = `hostile, ${this.where}`;
    if (new URL(page.url()).origin !== this.server.url) fault(where, `the page is at ${page.url()}`);
    await wide(page, where);
    const found = await page.evaluate((origin) => {
      const out = [];
      if (window.owned !== undefined) out.push(`text ran: owned is ${window.owned}`);
      for (const v of window.violations ?? []) out.push(`content policy: ${v}`);
      window.violations = [];
      if (document.querySelector("base, iframe, frame, object, embed, meta[http-equiv], foreignObject, animate, set"))
        out.push("an element that no page makes");
      for (const s of document.querySelectorAll("script"))
        if (!s.src || new URL(s.src).origin !== origin) out.push(`a script: ${s.outerHTML.slice(0, 100)}`);
      for (const e of document.querySelectorAll("img, image, use, source, video, audio, link"))
        for (const a of ["src", "href", "xlink:href", "srcset"]) {
          const v = e.getAttribute(a);
          if (v && !v.startsWith("#") && new URL(v, location.href).origin !== origin)
            out.push(`<${e.localName} ${a}=${v.slice(0, 80)}>`);
        }
      const hidden =
        /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;
      const show = (s) => JSON.stringify(s.slice(Math.max(0, s.search(hidden) - 20), s.search(hidden) + 20));
      for (const e of document.querySelectorAll("*"))
        for (const { name, value } of e.attributes) {
          if (name.startsWith("on")) out.push(`<${e.localName} ${name}=…>`);
          if (/^(title|alt|placeholder|aria-.*)$/.test(name) && hidden.test(value))
            out.push(`hidden characters in ${e.localName}.${e.className} ${name}: ${show(value)}`);
        }
      for (const a of document.querySelectorAll("a[href], area[href], form[action], button[formaction]")) {
        const v = a.getAttribute("href") ?? a.getAttribute("action") ?? a.getAttribute("formaction");
        const u = new URL(v, location.href);
        if (!/^(https?|mailto):$/.test(u.protocol)) out.push(`a link to ${u.protocol}`);
        else if (u.protocol !== "mailto:" && u.origin !== origin && !/noopener/.test(a.rel))
          out.push(`a link out without noopener: ${v}`);
      }
      if (hidden.test(document.title)) out.push(`hidden characters in the title of the page: ${show(document.title)}`);
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let n = walker.nextNode(); n; n = walker.nextNode())
        if (hidden.test(n.data) && !n.parentElement.closest("textarea, script, style, .cm-content"))
          out.push(
            `hidden characters in ${n.parentElement.localName}.${n.parentElement.className} of ${n.parentElement.parentElement?.className}: ${show(n.data)}`,
          );
      if (!document.querySelector("main, .gate, form")) out.push("the page is empty");
      return [...new Set(out)];
    }, this.server.url);
    for (const f of found)
      if (!this.told.has(f)) {
        this.told.add(f); // what is wrong with every page is told once
        fault(where, f);
      }
    this.refused(); // what does not exist answers 404; a page that breaks is told by its errors
  }

  /** tables exports every list as CSV: no cell may begin as a formula does. */
  async tables() {
    this.where = "tables";
    const paths = Object.entries(this.paths)
      .filter(([, m]) => m.get?.responses?.["200"]?.content?.["text/csv"])
      .map(([p]) => p.replace("{id}", this.issues[0].id));
    if (paths.length < 3) fault("hostile, tables", `only ${paths.length} lists are exported`);
    let cells = 0;
    for (const p of paths) {
      const r = await this.call(`${p}?format=csv&limit=1000`);
      if (!r.ok()) {
        if (!p.includes("{") && r.status() !== 400)
          fault("hostile, tables", `${p} answers ${r.status()}: ${(await r.text()).slice(0, 200)}`);
        continue;
      }
      cells += this.formulas(p, await r.text());
      this.attachment(p, r.headers());
    }
    if (this.paths["/hunt/export"]) {
      const r = await this.call("/hunt/export?format=csv", "POST", { lang: "kql", text: "events | take 1000" });
      if (!r.ok()) fault("hostile, tables", `/hunt/export answers ${r.status()}: ${(await r.text()).slice(0, 200)}`);
      else cells += this.formulas("/hunt/export", await r.text());
    }
    if (cells < 100) fault("hostile, tables", `only ${cells} cells were looked at`);
  }

  formulas(name, text) {
    let n = 0;
    for (const row of readCSV(text))
      for (const c of row) {
        n++;
        if (
          /^[\s\u00a0\u3000\ufeff\u0000]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(c) &&
          !/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(c)
        )
          fault("hostile, tables", `${name} has a cell ${JSON.stringify(c.slice(0, 40))}`);
      }
    return n;
  }

  attachment(name, headers) {
    const d = headers["content-disposition"] ?? "";
    if (!/^attachment; filename="?[\w.-]+"?$/.test(d))
      fault("hostile, tables", `${name} is saved as ${JSON.stringify(d)}`);
    if (headers["x-content-type-options"] !== "nosniff") fault("hostile, tables", `${name} may be sniffed`);
  }

  /** downloads asks that names and headers are the server's own. */
  async downloads() {
    this.where = "downloads";
    for (const i of this.issues.slice(0, 3)) {
      const r = await this.call(`/issues/${i.id}/evidence`);
      if (!r.ok()) fault("hostile, downloads", `the evidence of ${i.id} answers ${r.status()}`);
      this.attachment("evidence", r.headers());
    }
    for (const p of [
      `/issues/${encodeURIComponent(attacks[19])}/evidence`,
      `/issues?q=${encodeURIComponent(attacks[19])}&format=csv`,
      `/entities/ip/${encodeURIComponent(attacks[19])}`,
    ]) {
      const r = await this.call(p);
      if (r.headers()["x-evil"] || /owned/.test(r.headers()["set-cookie"] ?? ""))
        fault("hostile, downloads", `${p} wrote a header`);
      if (r.status() >= 500) fault("hostile, downloads", `${p} answers ${r.status()}`);
    }
  }

  async headers() {
    this.where = "headers";
    for (const p of ["/", "/sign-in", "/issues/x", "/api/v1/session", "/no/such/page"]) {
      const r = await this.context.request.get(p);
      const h = r.headers();
      if (h["x-content-type-options"] !== "nosniff") fault("hostile, headers", `${p} has no nosniff`);
      if (!/frame-ancestors 'none'/.test(h["content-security-policy"] ?? "") && h["x-frame-options"] !== "DENY")
        fault("hostile, headers", `${p} may be framed`);
      if (/html/.test(h["content-type"] ?? "")) {
        const csp = h["content-security-policy"] ?? "";
        for (const d of [
          "default-src 'none'",
          "script-src 'self'",
          "base-uri 'none'",
          "form-action 'self'",
          "object-src 'none'",
          "frame-ancestors 'none'",
        ])
          if (!csp.includes(d)) fault("hostile, headers", `${p} lacks ${d}`);
        if (/unsafe-(inline|eval)|https?:|\*/.test(csp)) fault("hostile, headers", `${p} has ${csp}`);
      }
      if (h["access-control-allow-origin"]) fault("hostile, headers", `${p} lets other origins read it`);
    }
    const cookies = await this.context.cookies();
    if (cookies.length === 0) fault("hostile, headers", "there is no cookie");
    for (const c of cookies) {
      if (!c.httpOnly) fault("hostile, headers", `the cookie ${c.name} is for scripts too`);
      if (!["Lax", "Strict"].includes(c.sameSite))
        fault("hostile, headers", `the cookie ${c.name} is sent across sites: ${c.sameSite}`);
      if (c.path !== "/" || c.domain.startsWith("."))
        fault("hostile, headers", `the cookie ${c.name} is for ${c.domain}${c.path}`);
      if (c.secure !== this.server.url.startsWith("https:"))
        fault("hostile, headers", `the cookie ${c.name}: secure is ${c.secure}`);
    }
    const read = await this.page.evaluate(() => document.cookie);
    if (read !== "") fault("hostile, headers", `scripts read the cookies ${read}`);
  }

  /** outsider opens a page of another origin in the same browser, with its cookies. */
  async outsider(origin, html, run) {
    this.outside.pages.set("/attack", html);
    if (!this.outsiderTab) {
      this.mayOpen = true;
      this.outsiderTab = await this.context.newPage();
      this.mayOpen = false;
    }
    await this.outsiderTab.goto(`${origin}/attack`);
    return run(this.outsiderTab);
  }

  async frames() {
    this.where = "frames";
    for (const origin of this.outside.origins)
      for (const path of ["/issues", "/sign-in", "/api/v1/session"])
        await this.outsider(
          origin,
          `<iframe id=f src="${this.server.url}${path}" onload="document.title='loaded'"></iframe>`,
          async (tab) => {
            await tab.waitForFunction(() => document.title === "loaded");
            const f = tab.frames().find((f) => f !== tab.mainFrame());
            if (f && !f.url().startsWith("chrome-error:")) fault("hostile, frames", `${origin} framed ${f.url()}`);
          },
        );
  }

  /** state is everything that the attacks of other sites try to change. */
  async state() {
    const out = {};
    out.issue = (await this.json(`/issues/${this.issues[1].id}`)).version;
    out.users = (await this.json("/users?limit=1000")).items.map((u) => u.name).sort();
    out.views = (await this.json("/views")).items.map((v) => v.id).sort();
    out.me = (await this.json("/session")).user.display;
    return JSON.stringify(out);
  }

  async otherSites() {
    this.where = "other sites";
    const before = await this.state();
    const api = `${this.server.url}/api/v1`;
    const id = this.issues[1].id;
    for (const origin of this.outside.origins) {
      const json = JSON.stringify({ what: "close", text: "owned" }).slice(0, -1);
      // A form that writes JSON: what stands after the = is the value of the field.
      for (const [kind, target, name] of [
        ["text/plain", `${api}/issues/${id}/changes`, `${json},"id":"`],
        ["application/x-www-form-urlencoded", `${api}/issues/${id}/changes`, `what=close`],
        ["multipart/form-data", `${api}/users`, "name"],
        ["text/plain", `${api}/sign-out`, "{"],
      ])
        await this.outsider(
          origin,
          `<iframe name=f></iframe><form target=f method=post enctype="${kind}" action="${target}"><input name='${name}' value='"}'></form>`,
          async (tab) => {
            const answer = tab.waitForResponse((r) => r.url() === target);
            await tab.evaluate(() => document.forms[0].submit());
            const r = await answer;
            if (r.status() < 400)
              fault("hostile, other sites", `a form of ${origin} to ${target} answers ${r.status()}`);
          },
        );
      await this.outsider(origin, "", async (tab) => {
        const got = await tab.evaluate(
          async ({ api, id }) => {
            const out = [];
            const say = (name, f) =>
              f.then(
                (r) => out.push(`${name}: ${r.type} ${r.status}`),
                () => undefined,
              );
            const body = JSON.stringify({ what: "close", text: "owned" });
            const with_ = { credentials: "include" };
            await say(
              "write simply",
              fetch(`${api}/issues/${id}/changes`, {
                ...with_,
                method: "POST",
                mode: "no-cors",
                headers: { "Content-Type": "text/plain" },
                body,
              }),
            );
            await say(
              "write JSON",
              fetch(`${api}/issues/${id}/changes`, {
                ...with_,
                method: "POST",
                headers: { "Content-Type": "application/json" },
                body,
              }),
            );
            await say(
              "patch",
              fetch(`${api}/me`, {
                ...with_,
                method: "PATCH",
                headers: { "Content-Type": "application/json" },
                body: '{"display":"owned"}',
              }),
            );
            await say("delete", fetch(`${api}/me/totp`, { ...with_, method: "DELETE" }));
            await say("read", fetch(`${api}/session`, with_));
            navigator.sendBeacon(`${api}/issues/${id}/changes`, new Blob([body], { type: "text/plain" }));
            return out;
          },
          { api, id },
        );
        for (const g of got) if (!/opaque/.test(g)) fault("hostile, other sites", `${origin} could ${g}`);
        // As a script, an image, a sheet: none of it loads.
        const loaded = await tab.evaluate(
          (api) =>
            Promise.all(
              [
                ["script", "src"],
                ["img", "src"],
                ["link", "href"],
              ].map(
                ([tag, a]) =>
                  new Promise((ok) => {
                    const e = document.createElement(tag);
                    if (tag === "link") e.rel = "stylesheet";
                    e.onload = () => ok(tag);
                    e.onerror = () => ok("");
                    setTimeout(() => ok(""), 3000);
                    e[a] = `${api}/session`;
                    document.head.append(e);
                  }),
              ),
            ),
          api,
        );
        for (const l of loaded.filter(Boolean)) fault("hostile, other sites", `${origin} loaded the session as ${l}`);
      });
    }
    if ((await this.state()) !== before) fault("hostile, other sites", "another site changed something");
    if ((await this.context.request.get("/api/v1/session")).status() !== 200)
      fault("hostile, other sites", "another site ended the session");
  }

  /** away signs in by addresses that try to lead to another site afterwards. */
  async away() {
    const { page } = this;
    const nexts = [
      "//evil.example",
      "/\\evil.example",
      "\\\\evil.example",
      `${evil}/x`,
      "/\t/evil.example",
      "/\n/evil.example",
      "javascript:window.owned=40",
      "/%2f/evil.example",
      "/.//evil.example",
      "/issues/../..//evil.example",
      "data:text/html,x",
    ];
    for (const next of nexts) {
      this.where = `next=${JSON.stringify(next)}`;
      await this.context.clearCookies();
      await page.goto(
        `/sign-in?next=${encodeURIComponent(next)}&return=${encodeURIComponent(next)}&redirect=${encodeURIComponent(next)}`,
      );
      await page.locator("form input").nth(0).fill(who.name);
      await page.locator("form input").nth(1).fill(who.password);
      await page.locator("form button[type=submit]").click();
      await page.getByRole("main").waitFor();
      await this.sound();
    }
    this.where = "paths that lead away";
    for (const p of [
      "//evil.example/%2e%2e",
      "/\\evil.example",
      "/%5cevil.example/",
      "/auth/demo?key=x&return=//evil.example",
      "/auth/oidc/none/start?return=//evil.example",
      "/issues/",
    ]) {
      const r = await this.context.request.get(`${this.server.url}${p}`, { maxRedirects: 0 });
      const to = r.headers().location;
      if (to && new URL(to, this.server.url).origin !== this.server.url) fault(`hostile, ${p}`, `leads to ${to}`);
    }
  }
}

/** readCSV reads a table as RFC 4180 has it. */
function readCSV(text) {
  const rows = [[]];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[i++];
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === "," || c === "\n") {
      rows.at(-1).push(cell.replace(/\r$/, ""));
      cell = "";
      if (c === "\n") rows.push([]);
    } else cell += c;
  }
  return rows.filter((r) => r.length > 0);
}
