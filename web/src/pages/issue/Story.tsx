import { Button, SegmentedControl, Textarea } from "@mantine/core";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { get, Problem, post, query } from "../../api/client";
import type { Entry, Issue, Page } from "../../api/types";
import { useLang } from "../../app/prefs";
import { useCan } from "../../app/session";
import { say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { Hostile } from "../../ui/Hostile";
import type { IconName } from "../../ui/Icon";
import { Markdown } from "../../ui/Markdown";
import { type Moment, Timeline } from "../../ui/Timeline";
import { newID } from "./change";
import { w as catalogue } from "./words";

const looks: Record<string, { icon: IconName; tone?: Moment["tone"]; name: string }> = {
  opened: { icon: "issue", tone: "bad", name: "opened" },
  reopened: { icon: "undo", tone: "bad", name: "reopened" },
  closed: { icon: "check", tone: "good", name: "closed" },
  acknowledged: { icon: "user", tone: "accent", name: "acknowledged" },
  severity: { icon: "up", tone: "warn", name: "severity" },
  assigned: { icon: "user", name: "assigned" },
  labels: { icon: "tag", name: "labels" },
  note: { icon: "note", tone: "accent", name: "noted" },
  conclusion: { icon: "policy", name: "conclusion" },
  suppressed: { icon: "mute", name: "suppressed" },
  finding: { icon: "rules", name: "finding" },
  counter_event: { icon: "refresh", name: "counter_event" },
  flapping: { icon: "refresh", tone: "warn", name: "flapping" },
  overdue: { icon: "clock", tone: "warn", name: "overdue" },
  answer: { icon: "user", name: "answer" },
  storm: { icon: "graph", name: "storm" },
  alias: { icon: "link", name: "alias" },
  related: { icon: "link", name: "related" },
};

/** Story is the timeline of an issue, and where notes are written. */
export function Story({ issue, focus }: { issue: Issue; focus: number }) {
  const w = useWords(catalogue);
  const core = useCore();
  const r = useInfiniteQuery({
    queryKey: ["issue", issue.id, "timeline"],
    queryFn: ({ pageParam, signal }) =>
      get<Page<Entry>>(
        `/issues/${encodeURIComponent(issue.id)}/timeline${query({ cursor: pageParam || undefined, limit: 200 })}`,
        signal,
      ),
    initialPageParam: "",
    getNextPageParam: (p) => p.next || undefined,
  });
  const entries = r.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  const names = w.timeline as unknown as Record<string, string>;
  const moments = entries
    .toSorted((a, b) => b.seq - a.seq)
    .map((e): Moment => {
      const look = looks[e.what] ?? { icon: "info" as IconName, name: "" };
      return {
        key: String(e.seq),
        at: e.at,
        icon: look.icon,
        tone: look.tone,
        title: names[look.name] ?? e.what,
        who: <Hostile text={e.who.replace(/^user:/, "")} />,
        body:
          e.what === "note" ? (
            <Markdown text={e.text} />
          ) : e.what === "conclusion" ? (
            ((core.conclusion as Record<string, string>)[e.text] ?? <Hostile text={e.text} />)
          ) : e.text ? (
            <Hostile text={e.text} />
          ) : undefined,
      };
    });
  return (
    <section className="section">
      <Note issue={issue} focus={focus} />
      {moments.length > 0 ? (
        <Timeline moments={moments} label={w.tab.timeline} />
      ) : r.isPending ? null : (
        <p className="dim">{w.timeline.empty}</p>
      )}
      {r.hasNextPage && (
        <Button variant="subtle" onClick={() => void r.fetchNextPage()} loading={r.isFetchingNextPage}>
          {core.do.more}
        </Button>
      )}
    </section>
  );
}

function Note({ issue, focus }: { issue: Issue; focus: number }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const client = useQueryClient();
  const can = useCan("work");
  const [text, setText] = useState("");
  const [preview, setPreview] = useState("write");
  const [busy, setBusy] = useState(false);
  const id = useRef(newID());
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (focus) field.current?.focus();
  }, [focus]);
  if (!can) return null;
  const send = async () => {
    if (text.trim() === "" || busy) return;
    setBusy(true);
    try {
      // The same name on another try: a note that arrived without our knowing is not there twice.
      await post(`/issues/${encodeURIComponent(issue.id)}/changes`, {
        what: "comment",
        text: text.trim(),
        id: id.current,
      });
      id.current = newID();
      setText("");
      setPreview("write");
      say(w.timeline.sent);
      await client.invalidateQueries({ queryKey: ["issue", issue.id] });
    } catch (err) {
      say(w.timeline.send, "error", err instanceof Problem ? err.said(lang) : String(err));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="note"
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      {preview === "write" ? (
        <Textarea
          ref={field}
          aria-label={w.timeline.note}
          placeholder={w.timeline.note}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          minRows={2}
          maxRows={14}
          autosize
          maxLength={60_000}
          onKeyDown={(e) => {
            if (e.key === "Enter" && (e.metaKey || e.ctrlKey)) {
              e.preventDefault();
              void send();
            }
            if (e.key === "Escape") {
              e.stopPropagation();
              e.preventDefault();
              e.currentTarget.blur();
            }
          }}
        />
      ) : (
        <div className="note-preview">
          <Markdown text={text} />
        </div>
      )}
      {text !== "" && (
        <div className="row note-foot">
          <SegmentedControl
            value={preview}
            onChange={setPreview}
            data={[
              { value: "write", label: w.timeline.write },
              { value: "preview", label: w.timeline.preview },
            ]}
          />
          <span className="faint grow">{w.timeline.noteDoc}</span>
          <Button type="submit" variant="filled" loading={busy}>
            {w.timeline.send}
          </Button>
        </div>
      )}
    </form>
  );
}
