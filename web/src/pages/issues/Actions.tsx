import { Button, Menu } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { ChangeIn, Issue, IssuePage } from "../../api/types";
import { useKeys } from "../../app/keys";
import { useCan, useSession } from "../../app/session";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { Icon } from "../../ui/Icon";
import { changeIssues } from "../issue/change";
import { w as catalogue } from "./words";

export type Form = "close" | "assign" | "suppress" | "conclude" | "label";

const SuppressForm = lazy(() => import("../suppressions/SuppressForm").then((m) => ({ default: m.SuppressForm })));
const ActionForm = lazy(() => import("./ActionForm").then((m) => ({ default: m.ActionForm })));

/** Actions are what may be done to some issues: buttons, and the keys a e r s. */
export function Actions({
  issues,
  keys = true,
  after,
  compact,
}: {
  issues: Issue[];
  keys?: boolean;
  after?: () => void;
  compact?: boolean;
}) {
  const w = useWords(catalogue);
  const core = useCore();
  const client = useQueryClient();
  const session = useSession();
  const work = useCan("work");
  const decide = useCan("decide");
  const [form, setForm] = useState<Form | null>(null);
  const me = session.who ?? `user:${session.user.name}`;
  const [quiet, setQuiet] = useState(false);
  const n = issues.length;
  const only: (Issue & Partial<IssuePage>) | undefined = n === 1 ? issues[0] : undefined;
  const rule = only?.rule.id ? { ...only.rule, title_ja: only.rule_title_ja } : undefined;
  const run = (change: ChangeIn, label: string) => {
    if (n === 0) return;
    changeIssues(
      client,
      issues.map((i) => i.id),
      change,
      label,
      me,
    );
    after?.();
  };
  const anyOpen = issues.some((i) => i.status !== "closed");
  const acknowledge = () => run({ what: "acknowledge" }, w.act.acknowledged(n));
  const reopen = () => run({ what: "reopen" }, w.act.reopened(n));

  useKeys(
    [
      ...(work ? [{ keys: "a", label: w.act.acknowledge, group: core.keys.issue, run: acknowledge }] : []),
      ...(decide
        ? [{ keys: "e", label: w.act.closeNow, group: core.keys.issue, run: () => n > 0 && setForm("close") }]
        : []),
      ...(work
        ? [{ keys: "s", label: w.act.assign, group: core.keys.issue, run: () => n > 0 && setForm("assign") }]
        : []),
      ...(work
        ? [{ keys: "l", label: w.act.label, group: core.keys.issue, run: () => n > 0 && setForm("label") }]
        : []),
    ],
    keys, // also while no row is chosen: who types "ja" fast means the row that j goes to
  );
  if (!work) return null;
  return (
    <div className="row">
      {anyOpen && issues.some((i) => i.status === "open") && (
        <Button onClick={acknowledge} leftSection={<Icon name="play" size={14} />}>
          {w.act.acknowledge}
        </Button>
      )}
      {decide && anyOpen && (
        <Button onClick={() => setForm("close")} leftSection={<Icon name="check" size={14} />}>
          {w.act.close}
        </Button>
      )}
      {decide && !anyOpen && n > 0 && (
        <Button onClick={reopen} leftSection={<Icon name="undo" size={14} />}>
          {w.act.reopen}
        </Button>
      )}
      {!compact && (
        <Button onClick={() => setForm("assign")} leftSection={<Icon name="user" size={14} />}>
          {w.act.assign}
        </Button>
      )}
      {!compact && decide && (
        <Button onClick={() => setForm("suppress")} leftSection={<Icon name="mute" size={14} />}>
          {w.act.suppress}
        </Button>
      )}
      <Menu>
        <Menu.Target>
          <Button px={7} aria-label={w.act.more}>
            <Icon name="more" />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {compact && <Menu.Item onClick={() => setForm("assign")}>{w.act.assign}</Menu.Item>}
          {compact && decide && <Menu.Item onClick={() => setForm("suppress")}>{w.act.suppress}</Menu.Item>}
          {decide && rule && <Menu.Item onClick={() => setQuiet(true)}>{w.act.suppressRule}</Menu.Item>}
          <Menu.Item onClick={() => setForm("label")}>{w.act.label}</Menu.Item>
          {decide && <Menu.Item onClick={() => setForm("conclude")}>{w.act.conclude}</Menu.Item>}
          {decide && issues.some((i) => i.status === "closed") && (
            <Menu.Item onClick={reopen}>{w.act.reopen}</Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Suspense fallback={null}>
        {quiet && rule && <SuppressForm rule={rule} close={() => setQuiet(false)} />}
        {form && <ActionForm form={form} n={n} me={me} close={() => setForm(null)} run={run} first={issues[0]} />}
      </Suspense>
    </div>
  );
}
