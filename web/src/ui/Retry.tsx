import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, post } from "../api/client";
import type { Notice } from "../api/types";
import { useLang } from "../app/prefs";
import { useCan } from "../app/session";
import { say } from "../app/undo";
import { useWords, words } from "../i18n/words";

const catalogue = words(
  {
    retry: "Deliver again",
    doc: "It waits again, in its old place, and is tried at once.",
    waits: (sink: string) => `It is on its way to ${sink} again`,
    already: "It waits already",
  },
  {
    retry: "再配信",
    doc: "元の順番で待機に戻り、すぐに配信を試みます。",
    waits: (sink) => `${sink} へもう一度配信します`,
    already: "すでに待機中です",
  },
);

/** Retry has a dead notice delivered again. It is nothing for notices that are not dead, and for those who may not. */
export function Retry({ notice: n, small }: { notice: Notice; small?: boolean }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const can = useCan("decide");
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  if (n.state !== "dead" || !can) return null;
  const retry = async () => {
    setBusy(true);
    try {
      const r = await post<{ done: boolean }>(`/notices/${encodeURIComponent(n.id)}/retry`);
      say(r.done ? w.waits(n.sink) : w.already);
    } catch (err) {
      say(w.retry, "error", err instanceof Problem ? err.said(lang) : String(err));
    } finally {
      setBusy(false);
      void client.invalidateQueries({ queryKey: ["list", "notices"] });
      void client.invalidateQueries({ queryKey: ["list", "sinks"] });
      if (n.issue_id) void client.invalidateQueries({ queryKey: ["issue", n.issue_id, "notices"] });
    }
  };
  return (
    <Button size={small ? "compact-xs" : undefined} loading={busy} onClick={() => void retry()} title={w.doc}>
      {w.retry}
    </Button>
  );
}
