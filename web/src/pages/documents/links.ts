// Links of a document to its neighbours.

/** resolve turns the link of a document into an address of the console: "../x.md#y" of "runbooks/a.md". */
export function resolve(from: string, href: string): string {
  if (/^[a-z][\w+.-]*:/i.test(href) || href.startsWith("#") || href.startsWith("/")) return href;
  const [path = "", hash] = href.split("#");
  const parts = from.split("/").slice(0, -1);
  for (const p of path.split("/")) {
    if (p === "" || p === ".") continue;
    if (p === "..") parts.pop();
    else parts.push(decode(p));
  }
  return `/documents?${new URLSearchParams({ open: parts.join("/") })}${hash ? `#${hash}` : ""}`;
}

function decode(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s; // a stray % is one
  }
}
