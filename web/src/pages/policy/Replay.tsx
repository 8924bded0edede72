import { type Replayed, type ReplayedNumbers, type ReplayedRule, type ReplayedSink, severities } from "../../api/types";
import { Link } from "../../app/Link";
import { usePrefs } from "../../app/prefs";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { SeverityBadge } from "../../ui/Badges";
import { Hostile } from "../../ui/Hostile";
import { exact } from "../../ui/time";
import { w as catalogue } from "./words";

/** Replay says what would have been otherwise under another policy. */
export function Replay({ replay }: { replay: Replayed }) {
  const w = useWords(catalogue);
  const { lang, zone } = usePrefs();
  const r = replay;
  const before = r.by_severity.before ?? {};
  const after = r.by_severity.after ?? {};
  return (
    <div>
      <p className="dim">
        {w.result.judged(count(r.judged, lang), exact(r.from, zone, lang, false), exact(r.to, zone, lang, false))}
      </p>
      {r.cut && <div className="notice notice-warn">{w.result.cut}</div>}
      {r.no_record ? <div className="notice notice-warn">{w.result.noRecord(count(r.no_record, lang))}</div> : null}
      {r.errors ? <div className="notice notice-bad">{w.result.errors(count(r.errors, lang))}</div> : null}
      <div className="table-wrap">
        <table className="table">
          <thead>
            <tr>
              <th>{w.result.level}</th>
              <th className="num">{w.result.before}</th>
              <th className="num">{w.result.after}</th>
            </tr>
          </thead>
          <tbody>
            {severities.map((l) => (
              <tr key={l}>
                <td>
                  <SeverityBadge level={l} />
                </td>
                <Numbers n={{ before: before[l] ?? 0, after: after[l] ?? 0 }} />
              </tr>
            ))}
            <tr>
              <td>{w.result.quiet}</td>
              <Numbers n={r.suppressed} />
            </tr>
            <tr>
              <td>{w.result.causes}</td>
              <Numbers n={r.causes} />
            </tr>
          </tbody>
        </table>
      </div>
      <Sinks sinks={r.sinks ?? []} />
      {(r.changed ?? []).length === 0 ? <p>{w.result.same}</p> : <ChangedRules rules={r.changed ?? []} />}
    </div>
  );
}

function Numbers({ n }: { n: ReplayedNumbers }) {
  const { lang } = usePrefs();
  return (
    <>
      <td className="num dim">{count(n.before, lang)}</td>
      <td className={n.before === n.after ? "num" : "num replay-moved"}>
        {n.after > n.before ? "▲ " : n.after < n.before ? "▼ " : ""}
        {count(n.after, lang)}
      </td>
    </>
  );
}

/** Sinks says how many notices each sink would have got. */
export function Sinks({ sinks }: { sinks: ReplayedSink[] }) {
  const w = useWords(catalogue);
  if (sinks.length === 0) return null;
  return (
    <div className="table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th>
              {w.result.sink} <span className="faint">({w.result.sinks})</span>
            </th>
            <th className="num">{w.result.before}</th>
            <th className="num">{w.result.after}</th>
          </tr>
        </thead>
        <tbody>
          {sinks.map((s) => (
            <tr key={s.sink}>
              <td className="mono">
                <Hostile text={s.sink} />
              </td>
              <td className="num dim">
                {s.notices.before} / {s.rises.before}
              </td>
              <td
                className={
                  s.notices.before === s.notices.after && s.rises.before === s.rises.after ? "num" : "num replay-moved"
                }
              >
                {s.notices.after} / {s.rises.after}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** ChangedRules lists what would have come to something else, by rule. */
export function ChangedRules({ rules, why = true }: { rules: ReplayedRule[]; why?: boolean }) {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang } = usePrefs();
  const level = (s: string) => {
    const [word, ...rest] = s.split(" ");
    const known = severities.find((l) => l === word);
    return known ? (
      <span className="row">
        <SeverityBadge level={known} /> {rest.length > 0 && <span className="tag">{w.result.quiet}</span>}
      </span>
    ) : (
      s || core.state.none
    );
  };
  return (
    <div className="table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th>{w.result.rule}</th>
            <th>{w.result.before}</th>
            <th>{w.result.after}</th>
            <th className="num">{w.result.n}</th>
            <th className="num">{w.result.issues}</th>
            {why && <th>{w.result.why}</th>}
          </tr>
        </thead>
        <tbody>
          {rules.map((c, i) => (
            <tr key={i}>
              <td>
                <Link href={`/rules/${encodeURIComponent(c.rule)}`}>
                  <Hostile text={(lang === "ja" && c.title_ja) || c.title || c.rule} />
                </Link>
              </td>
              <td>{level(c.before)}</td>
              <td>{level(c.after)}</td>
              <td className="num">{count(c.n, lang)}</td>
              <td className="num">
                {c.issues?.length ? (
                  <Link href={`/issues?q=${encodeURIComponent(`id:${c.issues.slice(0, 100).join(",")}`)}`}>
                    {count(c.issues.length, lang)}
                  </Link>
                ) : (
                  "–"
                )}
              </td>
              {why && (
                <td className="dim">
                  {(c.why ?? []).slice(0, 4).map((t) => (
                    <div key={t}>
                      <Hostile text={t} />
                    </div>
                  ))}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
