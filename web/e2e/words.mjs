// Finds words of one language on a page of the other one.

// Values of logs, and texts that somebody wrote, stand in elements of their own (Hostile makes a
// bdi); what the interface itself says stands outside of them.
const data =
  "bdi, code, pre, kbd, time, svg, textarea, .mono, .hostile, .cm-editor, .graph, .md, .avatar, .nav-user, .keycap, .raw, .attack-name";
// Names are the same in every language.
const names =
  /\b(KQL|SQL|CSV|JSON( Lines)?|YAML|Markdown|MITRE|ATT&CK|OIDC|OpenID Connect|SAML( 2\.0)?|Parquet|IAM|ARN|URL|Ctrl|Esc|Enter|JST|UTC|Sigma|Falco|OCSF|Webhook|Slack|Yagura|English|demo|yagura\.yaml)\b/gi;

/** foreign are the texts of a page, outside of data, that are in the other language. */
export async function foreign(page, lang) {
  const texts = await page.evaluate((data) => {
    const out = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let n = walk.nextNode(); n; n = walk.nextNode()) {
      const el = n.parentElement;
      if (n.data.trim() && !/^(SCRIPT|STYLE)$/.test(el.tagName) && !el.closest(data) && el.checkVisibility())
        out.push(n.data.trim());
    }
    for (const el of document.querySelectorAll("[aria-label], [placeholder]"))
      for (const name of ["aria-label", "placeholder"]) {
        // Only plain words: a label may hold a value, and a placeholder is a query often.
        const said = el.getAttribute(name) ?? "";
        if (!el.matches(".panel, .panel-edge") && /^[\p{L} ,.'’…]+$/u.test(said) && !el.closest(data)) out.push(said);
      }
    return out;
  }, data);
  const other = {
    ja: (t) => !/[\u3040-\u30ff\u4e00-\u9fff]/.test(t) && /[A-Za-z]*[a-z][A-Za-z]{2,}/.test(t.replace(names, "")),
    en: (t) => /[\u3040-\u30ff\u4e00-\u9fff]/.test(t.replace("日本語", "")),
  };
  return [...new Set(texts)].filter(other[lang]);
}
