import type { ReactNode } from "react";
import { Link } from "../app/Link";
import "./tabbar.css";

export interface Tab {
  href: string;
  label: ReactNode;
  on: boolean;
  /** A number that stands beside the word; bad ones are red. */
  n?: string;
  tone?: "bad" | "warn";
}

/** TabBar are parts of a page that have addresses of their own. */
export function TabBar({ tabs, label }: { tabs: Tab[]; label: string }) {
  return (
    <nav className="tabbar" aria-label={label}>
      {tabs.map((t) => (
        <Link key={t.href} href={t.href} className="tabbar-tab" aria-current={t.on ? "page" : undefined}>
          {t.label}
          {t.n !== undefined && <span className={`tabbar-n num ${t.tone ? `tone-${t.tone}` : ""}`}>{t.n}</span>}
        </Link>
      ))}
    </nav>
  );
}
