import type { Overview } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { SeverityBadge, SeverityShape } from "../../ui/Badges";
import { duration } from "../../ui/format";
import { Hostile } from "../../ui/Hostile";
import { Icon, type IconName } from "../../ui/Icon";
import { Time, useNow } from "../../ui/Time";
import { type Hand, hands, listHref } from "./urgent";
import { w as catalogue } from "./words";

/** Hands says in five seconds what needs somebody. */
export function Hands({ o }: { o: Overview }) {
  const w = useWords(catalogue);
  useNow(); // what waits becomes what is stuck
  const list = hands(o, Math.max(Date.parse(o.at), Date.now()));
  return (
    <section className="card ov-hands" aria-labelledby="hands">
      <div className="card-head">
        <h2 id="hands">{w.hands.title}</h2>
        {list.length > 0 && <span className="faint num">{list.length}</span>}
      </div>
      {list.length === 0 ? (
        <div className="hands-none">
          <span className="hands-icon tone-good">
            <Icon name="check" />
          </span>
          <div>
            <strong>{w.hands.none}</strong>
            <div className="dim">{w.hands.noneDoc}</div>
          </div>
        </div>
      ) : (
        <ul className="hands">
          {list.map((h) => (
            <li key={h.key}>
              <Link href={h.href} className={`hand hand-${h.tone}`}>
                <span className={`hands-icon tone-${h.tone}`}>
                  {h.what === "level" ? (
                    <SeverityShape level={h.level} size={13} />
                  ) : (
                    <Icon name={icons[h.what]} size={14} />
                  )}
                </span>
                <span className="hand-text">
                  <Said h={h} />
                </span>
                <Icon name="right" size={12} />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const icons: Record<Exclude<Hand["what"], "level">, IconName> = {
  source: "sources",
  sources: "sources",
  dead: "sinks",
  stuck: "sinks",
  letters: "ledger",
};

function Said({ h }: { h: Hand }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const line = (title: string, more?: React.ReactNode) => (
    <>
      <strong>
        <Hostile text={title} />
      </strong>
      {more && <span className="dim hand-more">{more}</span>}
    </>
  );
  switch (h.what) {
    case "level": {
      const level = core.severity[h.level];
      return line(
        w.hands.level(h.n, lang === "ja" ? level : level.toLowerCase()),
        h.working > 0 && w.hands.working(h.working),
      );
    }
    case "source":
      return line(
        w.hands[h.state](h.name),
        h.state === "failing" && h.error ? (
          <Hostile text={h.error} />
        ) : h.state === "late" && h.lag_s ? (
          w.hands.lag(duration(h.lag_s, lang))
        ) : (
          h.last_event && (
            <>
              {w.hands.last} <Time at={h.last_event} />
            </>
          )
        ),
      );
    case "sources":
      return line(w.hands.sources(h.n));
    case "dead":
      return line(w.hands.dead(h.n, h.sink), w.hands.deadDoc);
    case "stuck":
      return line(
        w.hands.stuck(h.n, h.sink),
        <>
          {w.hands.since} <Time at={h.oldest} />
        </>,
      );
    case "letters":
      return line(w.hands.letters(h.n), w.hands.lettersDoc);
  }
}

/** Levels is what is open by level: shape, word and colour, each number a link. */
export function Levels({ o }: { o: Overview }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const max = Math.max(1, ...o.open.map((l) => l.open + l.acknowledged));
  const sum = (f: (l: Overview["open"][number]) => number) => o.open.reduce((n, l) => n + f(l), 0);
  const cell = (n: number, status: string, level?: string) => (
    <Link
      href={listHref("issues", `status:${status}${level ? ` severity:${level}` : ""} suppressed:no`)}
      className={n === 0 ? "num zero" : "num"}
    >
      {count(n, lang)}
    </Link>
  );
  return (
    <section className="card ov-levels" aria-labelledby="levels">
      <div className="card-head">
        <h2 id="levels">{w.open.title}</h2>
      </div>
      <table className="levels">
        <thead>
          <tr>
            <th scope="col">
              <span className="hide">{w.open.title}</span>
            </th>
            <th scope="col" className="num">
              {w.open.open}
            </th>
            <th scope="col" className="num">
              {w.open.working}
            </th>
            <td className="levels-bar" />
          </tr>
        </thead>
        <tbody>
          {o.open.map((l) => (
            <tr key={l.severity} className={`sev-row sev-${l.severity}`}>
              <th scope="row">
                <SeverityBadge level={l.severity} />
              </th>
              <td
                className={
                  l.open > 0 && (l.severity === "critical" || l.severity === "high") ? "levels-big" : "levels-n"
                }
              >
                {cell(l.open, "open", l.severity)}
              </td>
              <td className="levels-n dim">{cell(l.acknowledged, "acknowledged", l.severity)}</td>
              <td className="levels-bar">
                <svg width="100%" height="8" preserveAspectRatio="none" viewBox="0 0 100 8" aria-hidden="true">
                  <rect width={(l.open / max) * 100} height="8" className="bar-open" />
                  <rect
                    x={(l.open / max) * 100}
                    width={(l.acknowledged / max) * 100}
                    height="8"
                    className="bar-working"
                  />
                </svg>
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" className="dim">
              {w.open.total}
            </th>
            <td className="levels-n">
              {cell(
                sum((l) => l.open),
                "open",
              )}
            </td>
            <td className="levels-n dim">
              {cell(
                sum((l) => l.acknowledged),
                "acknowledged",
              )}
            </td>
            <td />
          </tr>
        </tfoot>
      </table>
    </section>
  );
}

/** Stats are the numbers that one compares with yesterday's. */
export function Stats({ o }: { o: Overview }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const day = Date.parse(o.at) - 86_400_000;
  const hours = (o.hours ?? []).filter((h) => Date.parse(h.at) >= day);
  // The server says since when it counted; whether that was a visit the tab knows.
  const visited = sessionStorage.getItem("yagura.visit") || undefined;
  const since = visited && o.since;
  const a = o.acknowledge;
  const fresh = o.new_since.q || (since ? `opened:>=${since}` : "opened:24h");
  return (
    <div className="ov-stats">
      <Stat
        label={since ? w.stat.fresh : w.stat.freshDay}
        value={count(o.new_since.n, lang)}
        href={listHref("issues", fresh)}
        doc={since && <Time at={since} />}
      />
      {o.unassigned && (
        <Stat label={w.stat.unassigned} value={count(o.unassigned.n, lang)} href={listHref("issues", o.unassigned.q)} />
      )}
      <Stat
        label={w.stat.ack}
        value={a.n > 0 ? duration(a.median_s, lang) : "–"}
        href={listHref("issues", "acked:*")}
        doc={a.n > 0 ? w.stat.ackDoc(duration(a.p90_s, lang), count(a.n, lang)) : w.stat.ackNone}
      />
      <Stat
        label={w.stat.events}
        // They are counted behind the first answer, and nowhere without a lake.
        value={
          o.events_known === false
            ? "–"
            : count(
                hours.reduce((n, h) => n + h.events, 0),
                lang,
              )
        }
        href={listHref("findings", "seen:24h")}
        doc={w.stat.eventsDoc(
          count(
            hours.reduce((n, h) => n + h.findings, 0),
            lang,
          ),
        )}
      />
      <Stat
        label={w.stat.suppressed}
        value={count(o.suppressed.n, lang)}
        href={listHref("issues", o.suppressed.q || "suppressed:yes")}
      />
    </div>
  );
}

function Stat({ label, value, href, doc }: { label: string; value: string; href: string; doc?: React.ReactNode }) {
  return (
    <Link href={href} className="card stat">
      <span className="stat-label">{label}</span>
      <span className="stat-value num">{value}</span>
      <span className="stat-doc faint cut">{doc || "\u00a0"}</span>
    </Link>
  );
}
