import { Button, NativeSelect, Switch, Textarea } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { get, Problem, patch, query } from "../../api/client";
import { type RuleText, type Severity, severities } from "../../api/types";
import { go } from "../../app/go";
import { Link } from "../../app/Link";
import { usePrefs } from "../../app/prefs";
import { useCan } from "../../app/session";
import { say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { SeverityBadge } from "../../ui/Badges";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { Markdown } from "../../ui/Markdown";
import { Time } from "../../ui/Time";
import { isZero } from "../../ui/time";
import { State } from "../rules/State";
import { w as catalogue } from "../rules/words";
import { TextAndTest } from "./TextAndTest";
import "../rules/rules.css";

const SuppressForm = lazy(() => import("../suppressions/SuppressForm").then((m) => ({ default: m.SuppressForm })));

/** RuleView is one rule, beside the list or as a page. */
export function RuleView({ id, side }: { id: string; side?: boolean }) {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang } = usePrefs();
  const canDecide = useCan("decide");
  const [suppress, setSuppress] = useState(false);
  const path = `/rules/${encodeURIComponent(id)}`;
  const r = useQuery({
    queryKey: ["rule", id],
    queryFn: ({ signal }) => get<RuleText>(path, signal),
    retry: false,
  });
  const rule = r.data;
  useEffect(() => {
    if (rule && !side) document.title = `${plain((lang === "ja" && rule.title_ja) || rule.title)} · Yagura`;
  }, [rule, side, lang]);
  if (r.error instanceof Problem && r.error.status === 404)
    return <EmptyState title={w.notFound} doc={w.notFoundDoc} action={{ label: w.title, run: () => go("/rules") }} />;
  if (r.error)
    return <div className="notice notice-bad">{r.error instanceof Problem ? r.error.said(lang) : r.error.message}</div>;
  if (!rule) return null;
  const description = (lang === "ja" && rule.description_ja) || rule.description;
  const check = (lang === "ja" && rule.runbook?.check_ja) || rule.runbook?.check || [];
  const act = (lang === "ja" && rule.runbook?.do_ja) || rule.runbook?.do || [];
  return (
    <article>
      <section className="section">
        <div className="rule-head">
          <h2>
            <Hostile text={(lang === "ja" && rule.title_ja) || rule.title} />
          </h2>
          <State state={rule.state} />
          {rule.severity && <SeverityBadge level={rule.severity} />}
          <span className="tag">{rule.engine}</span>
          {rule.techniques?.map((t) => (
            <Link key={t} className="tag mono" href={`/rules${query({ q: `technique:${t}` })}`}>
              {t}
            </Link>
          ))}
          <span className="dim num">
            {w.noise(count(rule.findings_7d, lang), rule.per_day.toFixed(1))}
            {!isZero(rule.last_fired) && (
              <>
                {" · "}
                <Time at={rule.last_fired} />
              </>
            )}
          </span>
          <span className="grow" />
          <Button component={Link} size="compact-xs" href={`/issues${query({ q: `rule:"${rule.id}"` })}`}>
            {w.issues}
          </Button>
          {canDecide && (
            <Button size="compact-xs" onClick={() => setSuppress(true)}>
              {w.suppress}
            </Button>
          )}
        </div>
        {[...(rule.refusal ? [rule.refusal] : []), ...(rule.warnings ?? [])].map((f, i) => (
          <div key={i} className={f.warning ? "notice notice-warn" : "notice notice-bad"}>
            {f.line ? <span className="mono">{`${f.file ?? ""}:${f.line}:${f.column ?? 1} `}</span> : null}
            <Hostile text={f.reason} />
            {f.hint && (
              <span>
                {" "}
                — {core.query.hint}: <Hostile text={f.hint} />
              </span>
            )}
          </div>
        ))}
      </section>
      <section className="section rule-about">
        <h2>{w.description}</h2>
        {description ? <Markdown text={description} /> : <p className="faint">{w.descriptionNone}</p>}
        {check.length > 0 && (
          <>
            <h3>{w.check}</h3>
            <ul className="rule-list">
              {check.map((s) => (
                <li key={s}>
                  <Markdown text={s} />
                </li>
              ))}
            </ul>
          </>
        )}
        {act.length > 0 && (
          <>
            <h3>{w.act}</h3>
            <ul className="rule-list">
              {act.map((s) => (
                <li key={s}>
                  <Markdown text={s} />
                </li>
              ))}
            </ul>
          </>
        )}
      </section>
      <Tune rule={rule} />
      <TextAndTest rule={rule} />
      <section className="section">
        <Facts rule={rule} />
      </section>
      <Suspense fallback={null}>{suppress && <SuppressForm rule={rule} close={() => setSuppress(false)} />}</Suspense>
    </article>
  );
}

function Facts({ rule }: { rule: RuleText }) {
  const w = useWords(catalogue);
  const core = useCore();
  const fact = (label: string, value: React.ReactNode) =>
    value ? (
      <>
        <dt>{label}</dt>
        <dd>{value}</dd>
      </>
    ) : null;
  const list = (items: string[] | undefined) =>
    items && items.length > 0 ? (
      <ul className="rule-list">
        {items.map((t) => (
          <li key={t}>{/^https?:\/\//.test(t) ? <Outside href={t} /> : <Hostile text={t} />}</li>
        ))}
      </ul>
    ) : null;
  return (
    <dl className="facts">
      {fact(w.facts.id, <span className="mono">{rule.id}</span>)}
      {fact(
        w.facts.file,
        <span className="mono">
          {rule.file}
          {rule.line ? `:${rule.line}` : ""}
        </span>,
      )}
      {fact(w.facts.author, rule.author && <Hostile text={rule.author} />)}
      {fact(w.facts.kind, rule.kind && w.kind[rule.kind])}
      {fact(w.facts.every, rule.every)}
      {fact(w.facts.original, rule.severity_original && levelWord(rule.severity_original, core.severity))}
      {fact(w.facts.reason, rule.reason && <Hostile text={rule.reason} />)}
      {fact(
        w.facts.formats,
        rule.formats?.length ? <span className="mono">{rule.formats.join(", ")}</span> : w.anyFormat,
      )}
      {fact(w.facts.needs, list(rule.needs))}
      {fact(w.facts.waits, list(rule.waits))}
      {fact(w.facts.correlates, list(rule.correlates))}
      {fact(w.facts.falsePositives, list(rule.false_positives))}
      {fact(w.facts.references, list(rule.references))}
    </dl>
  );
}

/** Outside is a link that somebody else wrote: it is shown whole, and opens without a referrer. */
function Outside({ href }: { href: string }) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      <Hostile text={href} />
    </a>
  );
}

function Tune({ rule }: { rule: RuleText }) {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang } = usePrefs();
  const client = useQueryClient();
  const can = useCan("configure");
  const [enabled, setEnabled] = useState(rule.enabled);
  const [severity, setSeverity] = useState<string>(rule.tuned?.severity ?? "");
  const [counted, setCounted] = useState(rule.mode === "count");
  const [reason, setReason] = useState("");
  const changed =
    enabled !== rule.enabled || severity !== (rule.tuned?.severity ?? "") || counted !== (rule.mode === "count");
  const send = async (change: Record<string, unknown>) => {
    try {
      const now = await patch<RuleText>(
        `/rules/${encodeURIComponent(rule.id)}`,
        { ...change, reason },
        { match: `"${rule.etag}"` },
      );
      client.setQueryData(["rule", rule.id], now);
      void client.invalidateQueries({ queryKey: ["list", "rules"] });
      setEnabled(now.enabled);
      setSeverity(now.tuned?.severity ?? "");
      setCounted(now.mode === "count");
      setReason("");
      say(w.tune.saved);
    } catch (err) {
      say(err instanceof Problem ? err.said(lang) : String(err), "error");
    }
  };
  if (rule.state === "refused") return null;
  return (
    <section className="section">
      <h2>{w.tune.title}</h2>
      {rule.tuned && (
        <p className="dim">
          {rule.tuned.reason && <Hostile text={rule.tuned.reason} />} {rule.tuned.by && w.tune.by(rule.tuned.by)}{" "}
          {rule.tuned.at && <Time at={rule.tuned.at} />}
        </p>
      )}
      {!can && <p className="faint">{w.tune.forbidden}</p>}
      <div className="rule-tune">
        <Switch
          label={w.tune.enabled}
          checked={enabled}
          disabled={!can}
          onChange={(e) => setEnabled(e.currentTarget.checked)}
        />
        <NativeSelect
          label={w.tune.severity}
          value={severity}
          disabled={!can}
          onChange={(e) => setSeverity(e.currentTarget.value)}
          data={[
            { value: "", label: w.tune.asFile(levelWord(rule.severity_original, core.severity)) },
            ...severities.map((l) => ({ value: l, label: core.severity[l] })),
          ]}
        />
        <Switch
          label={w.tune.count}
          checked={counted}
          disabled={!can}
          onChange={(e) => setCounted(e.currentTarget.checked)}
        />
        {changed && (
          <>
            <Textarea
              label={w.tune.reason}
              autosize
              minRows={1}
              value={reason}
              onChange={(e) => setReason(e.currentTarget.value)}
            />
            <div className="row">
              <Button
                size="compact-sm"
                onClick={() =>
                  void send({
                    enabled: enabled !== rule.enabled ? enabled : undefined,
                    severity: severity !== (rule.tuned?.severity ?? "") ? severity : undefined,
                    mode: counted !== (rule.mode === "count") ? (counted ? "count" : "notify") : undefined,
                  })
                }
              >
                {w.tune.save}
              </Button>
            </div>
          </>
        )}
      </div>
    </section>
  );
}

function levelWord(original: string | undefined, severity: Record<Severity, string>): string {
  return (original && severity[original as Severity]) || original || "–";
}
