import { Modal, NativeSelect, NumberInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { Problem, post } from "../../api/client";
import type { Rule, SavedHunt, Severity } from "../../api/types";
import { usePrefs } from "../../app/prefs";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { FormFoot } from "../../ui/FormFoot";
import { inLang } from "./text";
import { w as catalogue } from "./words";
import "@mantine/core/styles/NumberInput.css";

const levels: Severity[] = ["high", "medium", "low", "none"];

/** ScheduleForm makes a rule of a saved hunt. */
export function ScheduleForm({
  hunt,
  params,
  close,
  done,
}: {
  hunt: SavedHunt;
  params: Record<string, string>;
  close: () => void;
  done: (id: string) => void;
}) {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang } = usePrefs();
  const [title, setTitle] = useState(inLang(hunt.title, lang) || hunt.name);
  const [severity, setSeverity] = useState<Severity>("medium");
  const [every, setEvery] = useState("1h");
  const [period, setPeriod] = useState("1h");
  const [threshold, setThreshold] = useState<number | string>(0);
  const [error, setError] = useState("");
  const lengths = ["5m", "15m", "1h", "6h", "12h", "1d"];
  const submit = async () => {
    try {
      const rule = await post<Rule>(`/hunts/${encodeURIComponent(hunt.name)}/schedule`, {
        title,
        severity,
        every,
        period,
        threshold: Number(threshold) || 0,
        params: Object.keys(params).length > 0 ? params : undefined,
        tactics: hunt.tactics,
        techniques: hunt.techniques,
      });
      close();
      done(rule.id);
    } catch (err) {
      setError(err instanceof Problem ? err.said(lang) : String(err));
    }
  };
  return (
    <Modal opened onClose={close} title={w.schedule} size={460} closeButtonProps={{ "aria-label": core.do.close }}>
      <form
        className="form"
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
        }}
      >
        <p className="dim">{w.scheduleDoc}</p>
        <TextInput
          label={w.huntTitle}
          data-autofocus
          required
          value={title}
          onChange={(e) => setTitle(e.currentTarget.value)}
          error={error || undefined}
        />
        <NativeSelect
          label={w.severity}
          value={severity}
          onChange={(e) => setSeverity(e.currentTarget.value as Severity)}
          data={levels.map((l) => ({ value: l, label: core.severity[l] }))}
        />
        <div className="row">
          <NativeSelect
            className="grow"
            label={w.every}
            value={every}
            onChange={(e) => setEvery(e.currentTarget.value)}
            data={lengths}
          />
          <NativeSelect
            className="grow"
            label={w.period}
            value={period}
            onChange={(e) => setPeriod(e.currentTarget.value)}
            data={[...lengths, "7d", "14d"]}
          />
        </div>
        <NumberInput label={w.threshold} min={0} max={10000} value={threshold} onChange={setThreshold} />
        <FormFoot cancel={close} label={w.schedule} />
      </form>
    </Modal>
  );
}
