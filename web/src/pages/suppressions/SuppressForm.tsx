import { Modal, SegmentedControl, Textarea } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, post } from "../../api/client";
import { type Suppression, type SuppressionReplay, severities } from "../../api/types";
import { usePrefs } from "../../app/prefs";
import { say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { SeverityBadge } from "../../ui/Badges";
import { FormFoot } from "../../ui/FormFoot";
import { Hostile } from "../../ui/Hostile";
import { QueryBar } from "../../ui/QueryBar";
import { exact } from "../../ui/time";
import { ChangedRules, Sinks } from "../policy/Replay";
import { w as catalogue } from "./words";
import "../../ui/written.css";
import "../policy/policy.css";

/** SuppressForm keeps a rule, or what a query says, quiet until a date, after showing what that would have meant. */
export function SuppressForm({
  rule,
  close,
  q: first = "",
}: {
  rule?: { id: string; title: string; title_ja?: string };
  q?: string;
  close: () => void;
}) {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang, zone } = usePrefs();
  const client = useQueryClient();
  const [q, setQ] = useState(first);
  const [days, setDays] = useState("7");
  const [reason, setReason] = useState("");
  const [error, setError] = useState("");
  const what = rule ? { rule: rule.id } : { q };
  const replay = useQuery({
    queryKey: ["suppressions", "replay", what],
    queryFn: ({ signal }) => post<SuppressionReplay>("/suppressions/replay", what, { signal }),
    enabled: !!rule || q !== "",
    retry: false,
    staleTime: 60_000,
  });
  const submit = async () => {
    const until = new Date(Date.now() + Number(days) * 86_400_000).toISOString();
    try {
      const s = await post<Suppression>("/suppressions", { ...what, until, reason });
      void client.invalidateQueries({ queryKey: ["list"] });
      void client.invalidateQueries({ queryKey: ["counts"] });
      close();
      say(w.form.saved(exact(s.until, zone, lang, false)));
    } catch (err) {
      setError(err instanceof Problem ? err.said(lang) : String(err));
    }
  };
  const r = replay.data;
  const urgent = (r?.by_severity?.critical ?? 0) + (r?.by_severity?.high ?? 0);
  return (
    <Modal opened onClose={close} title={w.form.title} size={720} closeButtonProps={{ "aria-label": core.do.close }}>
      <form
        className="form"
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
        }}
      >
        {rule ? (
          <p>
            <Hostile text={w.form.rule((lang === "ja" && rule.title_ja) || rule.title)} />
          </p>
        ) : (
          <div>
            <div className="mantine-InputWrapper-label">{w.form.query}</div>
            <QueryBar list="issues" value={q} onChange={setQ} error={replay.error} />
            <p className="faint">{w.form.queryDoc}</p>
          </div>
        )}
        <SegmentedControl
          aria-label={w.form.until}
          value={days}
          onChange={setDays}
          data={["1", "7", "14", "30", "90"].map((n) => ({ value: n, label: w.form.days(Number(n)) }))}
        />
        <section className="card" aria-live="polite">
          <div className="card-body">
            {replay.isFetching && <p className="dim">{w.form.looking}…</p>}
            {replay.error && !(replay.error instanceof Problem && replay.error.code === "bad_query") && (
              <p className="written-bad">
                {replay.error instanceof Problem ? replay.error.said(lang) : replay.error.message}
              </p>
            )}
            {r && (
              <>
                <p>
                  {r.quiet > 0 ? w.replay.summary(count(r.quiet, lang), count(r.judged, lang)) : w.replay.nothing}{" "}
                  {r.already > 0 && <span className="dim">{w.replay.already(count(r.already, lang))}</span>}
                </p>
                {urgent > 0 && <div className="notice notice-warn">{w.replay.urgent(count(urgent, lang))}</div>}
                {r.cut && <p className="faint">{w.replay.cut}</p>}
                <p className="row wrap">
                  {severities
                    .filter((l) => r.by_severity?.[l])
                    .map((l) => (
                      <span key={l} className="row">
                        <SeverityBadge level={l} /> <span className="num">{count(r.by_severity![l]!, lang)}</span>
                      </span>
                    ))}
                </p>
                {(r.rules ?? []).length > 0 && <ChangedRules rules={r.rules ?? []} why={false} />}
                <Sinks sinks={r.sinks ?? []} />
                {r.when && (
                  <details>
                    <summary className="dim">{w.replay.when}</summary>
                    <code>
                      <Hostile text={r.when} />
                    </code>
                  </details>
                )}
              </>
            )}
          </div>
        </section>
        <Textarea
          label={w.form.reason}
          description={w.form.reasonDoc}
          data-autofocus
          required
          autosize
          minRows={2}
          value={reason}
          onChange={(e) => setReason(e.currentTarget.value)}
          error={error || undefined}
        />
        <FormFoot
          cancel={close}
          label={w.form.save}
          disabled={reason.trim() === "" || (!rule && q === "") || replay.isError}
        />
      </form>
    </Modal>
  );
}
