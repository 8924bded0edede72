import { ActionIcon, Tabs, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { base, get, Problem } from "../../api/client";
import type { IssuePage } from "../../api/types";
import { useKeys } from "../../app/keys";
import { useLang } from "../../app/prefs";
import { useCan } from "../../app/session";
import { useOverlay } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { SeverityBadge, StatusBadge } from "../../ui/Badges";
import { CopyMenu } from "../../ui/Copy";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { Icon } from "../../ui/Icon";
import { Time } from "../../ui/Time";
import { Actions } from "../issues/Actions";
import { Entities } from "./Entities";
import { Events } from "./Events";
import { Facts } from "./Facts";
import { Notices } from "./Notices";
import { Story } from "./Story";
import { Why } from "./Why";
import { w as catalogue } from "./words";
import "./issue.css";

const tabs = ["why", "timeline", "entities", "events", "notices"] as const;

/** IssueView is one issue, at the side of the list or as a page. */
export function IssueView({ id, side }: { id: string; side?: boolean }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const lay = useOverlay();
  const [tab, setTab] = useState<string>("why");
  const [note, setNote] = useState(0);
  const can = useCan("work");
  const write = () => {
    setTab("timeline");
    setNote((n) => n + 1);
  };
  useKeys([{ keys: "c", label: w.timeline.note, group: core.keys.issue, run: write }], can);
  const r = useQuery({
    queryKey: ["issue", id],
    queryFn: ({ signal }) => get<IssuePage>(`/issues/${encodeURIComponent(id)}`, signal),
  });
  const is = r.data && lay(`issue/${id}`, r.data);
  const title = is ? (lang === "ja" && is.title_ja) || is.title : id;
  useEffect(() => {
    if (!side) document.title = `${plain(title)} · Yagura`;
  }, [title, side]);
  if (r.error && !is) {
    const gone = r.error instanceof Problem && r.error.status === 404;
    return (
      <EmptyState
        title={gone ? w.gone : core.state.broken}
        doc={gone ? w.goneDoc : r.error instanceof Problem ? r.error.said(lang) : r.error.message}
        action={gone ? undefined : { label: core.do.retry, run: () => void r.refetch() }}
      />
    );
  }
  if (!is) return <div className="issue-wait" aria-busy="true" />;
  return (
    <article className={side ? "issue issue-side" : "issue"}>
      <header className="issue-head">
        <div className="row wrap">
          <SeverityBadge level={is.severity} />
          <StatusBadge status={is.status} episode={is.episode} />
          {is.conclusion && <span className="tag">{core.conclusion[is.conclusion]}</span>}
          {is.labels?.map((l) => (
            <span key={l} className="tag">
              <Hostile text={l} />
            </span>
          ))}
          <span className="grow" />
          <span className="dim">
            <Time at={is.last_seen} />
          </span>
        </div>
        <h1>
          <Hostile text={title} />
        </h1>
        <div className="row wrap issue-acts">
          <Actions issues={[is]} compact={side} />
          <span className="grow" />
          <CopyMenu
            of={{
              link: `/issues/${is.id}`,
              path: `/issues/${is.id}`,
              event: is.latest && { ...is.latest.event, format: is.latest.format },
            }}
          />
          <Tooltip label={w.evidenceDoc} multiline maw={280}>
            <ActionIcon
              component="a"
              href={`${base}/issues/${encodeURIComponent(is.id)}/evidence`}
              download
              aria-label={w.evidence}
            >
              <Icon name="download" />
            </ActionIcon>
          </Tooltip>
        </div>
      </header>
      <Tabs value={tab} onChange={(t) => setTab(t ?? "why")}>
        <Tabs.List className="issue-tabs">
          {tabs.map((t) => (
            <Tabs.Tab key={t} value={t}>
              {w.tab[t]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <div className="issue-cols">
          <div className="issue-main">
            <Tabs.Panel value="why">
              <Why issue={is} />
            </Tabs.Panel>
            <Tabs.Panel value="timeline">
              <Story issue={is} focus={note} />
            </Tabs.Panel>
            <Tabs.Panel value="entities">
              <Entities issue={is} />
            </Tabs.Panel>
            <Tabs.Panel value="events">
              <Events issue={is} />
            </Tabs.Panel>
            <Tabs.Panel value="notices">
              <Notices issue={is} />
            </Tabs.Panel>
          </div>
          {(!side || tab === "why") && <Facts issue={is} />}
        </div>
      </Tabs>
    </article>
  );
}
