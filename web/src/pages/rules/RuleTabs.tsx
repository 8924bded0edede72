import { Link } from "../../app/Link";
import { useWords } from "../../i18n/words";
import { w as catalogue } from "./words";
import "./rules.css";

/** RuleTabs lead between what judges: rules, the policy over them, and what is kept quiet. */
export function RuleTabs({ at }: { at: "rules" | "policy" | "suppressions" }) {
  const w = useWords(catalogue);
  return (
    <nav className="views" aria-label={w.title}>
      {(["rules", "policy", "suppressions"] as const).map((t) => (
        <Link key={t} className="view-tab" href={`/${t}`} aria-current={t === at ? "page" : undefined}>
          {w.tabs[t]}
        </Link>
      ))}
    </nav>
  );
}
