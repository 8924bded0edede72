// Finds words of one language on a page of the other one.

// What the interface itself says, and never a log: headings, buttons, tabs, heads of tables.
const said = "h1, h2, h3, button, th, [role=columnheader], [role=tab], label, legend, summary, .tabbar-tab, .view-tab";
// Names are the same in every language.
const names =
  /^(KQL|SQL|CSV|JSON|JSONL|JSON Lines|YAML|Markdown|MITRE|ATT&CK|OIDC|SAML|ID|IP|URL|Ctrl|Esc|Enter|Sigma|Falco|OCSF|Webhook|Slack|Yagura|English|Mary Tanaka|main|samples)$/i;

/** untranslated are the texts of a Japanese page that are English words, with no Japanese among them. */
export async function untranslated(page) {
  const texts = await page.evaluate((said) => {
    // Values of logs and names that somebody gave stand in elements of their own.
    const data =
      ".mono, .hostile, .vt-row, .hunt-row, .hunt-head, .hunt-side li, .facet, .user, .me, .palette-item, .cm-editor, .issue-head, .graph, .finding-title";
    return [...document.querySelectorAll(said)]
      .filter((el) => !el.closest(data) && !el.querySelector(".mono, .hostile, .rule-title") && el.checkVisibility())
      .map((el) => el.innerText.trim());
  }, said);
  return [...new Set(texts)].filter(
    (t) => /^[A-Za-z][A-Za-z ,.'’…:-]{2,}$/.test(t) && /[a-z]{3}/.test(t) && !names.test(t),
  );
}
