import { useLang } from "../app/prefs";
import { count, useWords, words } from "../i18n/words";
import { Icon } from "./Icon";
import "./balance.css";

const catalogue = words(
  {
    equal: "It adds up",
    unequal: (n: string) => `It does not add up: ${n} are missing`,
    over: (n: string) => `It does not add up: ${n} too many`,
  },
  {
    equal: "一致しています",
    unequal: (n) => `一致しません: ${n} 件不足しています`,
    over: (n) => `一致しません: ${n} 件多すぎます`,
  },
);

export interface Part {
  label: string;
  n: number;
  tone: "good" | "warn" | "bad";
  href?: string;
}

/** Balance draws a sum so that it can be believed: the whole above its parts, each counted by itself, to one scale. */
export function Balance({ whole, parts }: { whole: { label: string; n: number }; parts: Part[] }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const sum = parts.reduce((n, p) => n + p.n, 0);
  const scale = Math.max(whole.n, sum, 1);
  const missing = whole.n - sum;
  let x = 0;
  return (
    <div className="balance">
      <div className="balance-line">
        <strong>{whole.label}</strong>
        <span className="num balance-n">{count(whole.n, lang)}</span>
      </div>
      <svg
        className="balance-bar"
        width="100%"
        height="26"
        viewBox="0 0 1000 26"
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <rect width={(whole.n / scale) * 1000} height="10" className="balance-whole" />
        {parts.map((p) => {
          const from = x;
          // What is there is seen, however small beside the rest.
          const width = p.n === 0 ? 0 : Math.max(3, (p.n / scale) * 1000);
          x += (p.n / scale) * 1000;
          return (
            <rect
              key={p.label}
              x={Math.min(from, 997)}
              y="13"
              width={width}
              height="10"
              className={`balance-${p.tone}`}
            />
          );
        })}
        {missing > 0 && (
          <rect
            x={(sum / scale) * 1000}
            y="13"
            width={Math.max(3, (missing / scale) * 1000)}
            height="10"
            className="balance-gap"
          />
        )}
      </svg>
      <div className="balance-parts">
        {parts.map((p, i) => (
          <span key={p.label} className="balance-part">
            {i > 0 && <span className="faint">+ </span>}
            <span className={`balance-key balance-${p.tone}`} aria-hidden="true" />
            <span className="num balance-n">{count(p.n, lang)}</span> <span className="dim">{p.label}</span>
          </span>
        ))}
        <span className={missing === 0 ? "balance-said tone-good" : "balance-said tone-bad"}>
          <Icon name={missing === 0 ? "check" : "issue"} size={13} />{" "}
          {missing === 0 ? w.equal : missing > 0 ? w.unequal(count(missing, lang)) : w.over(count(-missing, lang))}
        </span>
      </div>
    </div>
  );
}
