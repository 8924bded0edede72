import type { AnchorHTMLAttributes } from "react";
import { go } from "./go";

/** Link is an anchor that stays in the page: it opens in a new tab as other anchors do. */
export function Link({
  href,
  onClick,
  replace,
  ...rest
}: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string; replace?: boolean }) {
  return (
    <a
      href={href}
      {...rest}
      onClick={(e) => {
        onClick?.(e);
        if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey || rest.target)
          return;
        e.preventDefault();
        go(href, { replace });
      }}
    />
  );
}
