import { Modal, NativeSelect, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import type { ChangeIn, Conclusion, Issue } from "../../api/types";
import { usePrefs } from "../../app/prefs";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { FormFoot } from "../../ui/FormFoot";
import { exact } from "../../ui/time";
import type { Form } from "./Actions";
import { w as catalogue } from "./words";

const verdicts: Conclusion[] = ["true_positive", "benign", "false_positive", "accepted"];

/** ActionForm asks what an action needs to know. */
export function ActionForm({
  form,
  n,
  me,
  close,
  run,
  first,
}: {
  form: Form;
  n: number;
  me: string;
  close: () => void;
  run: (c: ChangeIn, label: string) => void;
  first?: Issue;
}) {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang, zone } = usePrefs();
  const [text, setText] = useState("");
  const [verdict, setVerdict] = useState<Conclusion>(
    form === "conclude" ? first?.conclusion || "true_positive" : (first?.conclusion ?? ""),
  );
  const [who, setWho] = useState("me");
  const [other, setOther] = useState("");
  const [days, setDays] = useState("7");
  const title = {
    close: w.act.close,
    assign: w.act.assign,
    suppress: w.act.suppress,
    conclude: w.act.conclude,
    label: w.act.label,
  }[form];
  const submit = () => {
    close();
    const reason = text.trim() || undefined;
    if (form === "close") run({ what: "close", text: reason, verdict: verdict || undefined }, w.act.closed(n));
    if (form === "conclude")
      run({ what: "conclude", text: reason, verdict }, w.act.concluded(n, core.conclusion[verdict]));
    if (form === "assign") {
      const to = who === "me" ? me : who === "nobody" ? "" : other.trim();
      run({ what: "assign", to }, w.act.assigned(n, to.replace(/^user:/, "")));
    }
    if (form === "suppress") {
      const until = new Date(Date.now() + Number(days) * 86_400_000).toISOString();
      run({ what: "suppress", until, text: reason }, w.act.suppressedUntil(n, exact(until, zone, lang, false)));
    }
    if (form === "label") {
      const labels = text
        .split(/[,、]/)
        .map((l) => l.trim())
        .filter(Boolean);
      if (labels.length > 0) run({ what: "label", labels }, w.act.labelled(n, labels.join(", ")));
    }
  };
  return (
    <Modal
      opened
      onClose={close}
      title={title.replace(/…$/, "")}
      size={420}
      closeButtonProps={{ "aria-label": core.do.close }}
    >
      <form
        className="form"
        onSubmit={(e) => {
          e.preventDefault();
          submit();
        }}
      >
        {(form === "close" || form === "conclude") && (
          <NativeSelect
            label={w.act.verdict}
            data-autofocus
            value={verdict}
            onChange={(e) => setVerdict(e.currentTarget.value as Conclusion)}
            data={(form === "close" ? ["" as Conclusion, ...verdicts] : verdicts).map((v) => ({
              value: v,
              label: core.conclusion[v],
            }))}
          />
        )}
        {form === "assign" && (
          <>
            <SegmentedControl
              value={who}
              onChange={setWho}
              aria-label={w.act.who}
              fullWidth
              data={[
                { value: "me", label: w.act.me },
                { value: "nobody", label: w.act.nobody },
                { value: "other", label: `${w.act.who}…` },
              ]}
            />
            {who === "other" && (
              <TextInput
                label={w.act.who}
                value={other}
                onChange={(e) => setOther(e.currentTarget.value)}
                required
                autoFocus
              />
            )}
          </>
        )}
        {form === "suppress" && (
          <SegmentedControl
            value={days}
            onChange={setDays}
            aria-label={w.act.until}
            fullWidth
            data={[
              { value: "1", label: w.act.day },
              { value: "7", label: w.act.week },
              { value: "30", label: w.act.month },
              { value: "90", label: w.act.quarter },
            ]}
          />
        )}
        {form === "label" && (
          <TextInput
            label={w.act.labels}
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
            required
            data-autofocus
          />
        )}
        {(form === "close" || form === "suppress" || form === "conclude") && (
          <Textarea
            label={w.act.reason}
            description={w.act.reasonDoc}
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
            required={form === "suppress"}
            minRows={3}
            onKeyDown={(e) => {
              if (e.key === "Enter" && (e.metaKey || e.ctrlKey)) e.currentTarget.form?.requestSubmit();
            }}
          />
        )}
        <FormFoot cancel={close} label={title.replace(/…$/, "")} />
      </form>
    </Modal>
  );
}
