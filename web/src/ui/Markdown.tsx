import { createElement, Fragment, type ReactNode, useMemo } from "react";
import { Link } from "../app/Link";
import { Hostile } from "./Hostile";
import { plain } from "./hostile";
import { type Block, blocks, type Inline } from "./markdown";

/** Markdown shows a text that somebody wrote in Markdown. link may turn the addresses of a document. */
export function Markdown({ text, link = (h) => h }: { text: string; link?: (href: string) => string }) {
  const bs = useMemo(() => blocks(text), [text]);
  return <div className="md">{bs.map((b, i) => block(b, i, link))}</div>;
}

function block(b: Block, key: number, link: (h: string) => string): ReactNode {
  const line = (c: Inline[]) => c.map((n, i) => span(n, i, link));
  switch (b.kind) {
    case "heading":
      // The page has the first heading already.
      return createElement(`h${Math.min(6, b.level + 1)}`, { key }, ...line(b.children));
    case "paragraph":
      return <p key={key}>{line(b.children)}</p>;
    case "code":
      return (
        <pre key={key}>
          <code>
            <Hostile text={b.text} />
          </code>
        </pre>
      );
    case "quote":
      return <blockquote key={key}>{b.children.map((c, i) => block(c, i, link))}</blockquote>;
    case "list": {
      const items = b.items.map((it, i) => (
        <li key={i} className={it.task !== undefined ? "md-task" : undefined}>
          {it.task !== undefined && <span aria-hidden="true">{it.task ? "☑ " : "☐ "}</span>}
          {it.children.map((c, n) =>
            c.kind === "paragraph" ? <Fragment key={n}>{line(c.children)}</Fragment> : block(c, n, link),
          )}
        </li>
      ));
      return b.ordered ? (
        <ol key={key} start={b.start}>
          {items}
        </ol>
      ) : (
        <ul key={key}>{items}</ul>
      );
    }
    case "table":
      return (
        <div key={key} className="md-table">
          <table>
            <thead>
              <tr>
                {b.head.map((c, i) => (
                  <th key={i}>{line(c)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {b.rows.map((r, i) => (
                <tr key={i}>
                  {r.map((c, n) => (
                    <td key={n}>{line(c)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    case "rule":
      return <hr key={key} />;
  }
}

function span(n: Inline, key: number, link: (h: string) => string): ReactNode {
  switch (n.kind) {
    case "text":
      return <Hostile key={key} text={n.text} />;
    case "code":
      return (
        <code key={key}>
          <Hostile text={n.text} />
        </code>
      );
    case "link": {
      const inner = n.children.map((c, i) => span(c, i, link));
      const href = link(n.href);
      if (/^(https?:|mailto:)/.test(href))
        return (
          <a key={key} href={href} target="_blank" rel="noreferrer noopener" title={plain(href)}>
            {inner}
          </a>
        );
      return href.startsWith("#") ? (
        <a key={key} href={href}>
          {inner}
        </a>
      ) : (
        <Link key={key} href={href}>
          {inner}
        </Link>
      );
    }
    default:
      return createElement(n.kind, { key }, ...n.children.map((c, i) => span(c, i, link)));
  }
}
