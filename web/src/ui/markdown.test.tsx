import { render } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { Markdown } from "./Markdown";
import { blocks, safeHref } from "./markdown";

const html = (text: string) => render(<Markdown text={text} />).container.innerHTML.replaceAll(/<\/?bdi>/g, "");

describe("Markdown", () => {
  it("shows what notes and runbooks are made of", () => {
    const h = html(
      "# Title\n\nA **bold** and *slanted* `code` ~~gone~~ [link](https://example.com/a?b=c).\n\n- one\n- two\n  - deep\n\n1. first\n2. second\n\n> quoted\n\n```sh\nls -l\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---",
    );
    for (const want of [
      "<h2>Title</h2>",
      "<strong>bold</strong>",
      "<em>slanted</em>",
      "<code>code</code>",
      "<del>gone</del>",
      'href="https://example.com/a?b=c"',
      "<ul><li>one</li><li>two<ul><li>deep</li></ul></li></ul>",
      '<ol start="1"><li>first</li>',
      "<blockquote><p>quoted</p></blockquote>",
      "<code>ls -l</code>",
      "<th>a</th>",
      "<td>2</td>",
      "<hr>",
    ])
      expect(h).toContain(want);
  });
  it("knows tasks, and addresses that stand alone, in Japanese text too", () => {
    expect(html("- [x] done\n- [ ] open")).toMatch(/☑.*done.*☐.*open/);
    expect(html("詳細は https://example.com/a。")).toContain('href="https://example.com/a"');
    expect(html("権限の**漏洩**を確認")).toContain("<strong>漏洩</strong>");
  });
  it("does not slant names with underlines in them", () => {
    expect(html("aws_access_key_id and s3_bucket_name")).not.toContain("<em>");
  });
  it("has no way for HTML", () => {
    const c = render(
      <Markdown
        text={'<img src=x onerror=alert(1)>\n<script>alert(1)</script>\n\n<a href="javascript:alert(1)">x</a>'}
      />,
    ).container;
    expect(c.querySelector("img, script, a")).toBeNull();
    expect(c.textContent).toContain("<script>alert(1)</script>");
  });
  it("makes links of good addresses alone", () => {
    for (const bad of [
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      " javascript:alert(1)",
      "java\tscript:alert(1)",
      "data:text/html,x",
      "vbscript:x",
      "//evil.example",
      "/\\evil.example",
      "file:///etc/passwd",
      "blob:x",
      "\u0001javascript:alert(1)",
    ])
      expect(safeHref(bad)).toBeUndefined();
    for (const good of [
      "https://example.com/",
      "http://localhost:8080/x",
      "mailto:a@example.com",
      "/issues/1",
      "#top",
      "runbooks/a.md",
      "../b.md#c",
    ])
      expect(safeHref(good)).toBeTruthy();
    expect(
      render(<Markdown text="[x](javascript:alert(1)) [y](data:text/html,1)" />).container.querySelector("a"),
    ).toBeNull();
  });
  it("ends for any text, also one that was made to take long", () => {
    const evil = [
      "*".repeat(5000),
      "[".repeat(5000),
      "`".repeat(5001),
      "> ".repeat(3000),
      `${"- ".repeat(2000)}x`,
      `${"_a".repeat(3000)}`,
      "|".repeat(3000),
      "**a ".repeat(2000),
      "![](".repeat(2000),
    ];
    const t = performance.now();
    for (const e of evil) blocks(e);
    expect(performance.now() - t).toBeLessThan(5000);
  });
});
