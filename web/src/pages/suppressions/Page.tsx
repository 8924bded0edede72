import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { del } from "../../api/client";
import type { Suppression } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { useCan } from "../../app/session";
import { hold, useOverlay } from "../../app/undo";
import { useWords } from "../../i18n/words";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { plain } from "../../ui/hostile";
import { Icon } from "../../ui/Icon";
import { ListView } from "../../ui/ListView";
import { Time } from "../../ui/Time";
import type { Column } from "../../ui/VirtualTable";
import { RuleTabs } from "../rules/RuleTabs";
import { SuppressForm } from "./SuppressForm";
import { w as catalogue } from "./words";

const titleIn = (lang: "en" | "ja", s: Suppression) => (lang === "ja" && s.title_ja) || s.title;

/** Page lists what is kept quiet, until when and why. */
export function Page() {
  const w = useWords(catalogue);
  const client = useQueryClient();
  const lay = useOverlay();
  const lang = useLang();
  const can = useCan("decide");
  const [form, setForm] = useState(false);
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  const columns = useMemo<Column<Suppression>[]>(
    () => [
      {
        id: "state",
        head: w.column.state,
        width: "80px",
        cell: (s) => <span className={s.state === "active" ? "" : "faint"}>{w.state[s.state]}</span>,
      },
      {
        id: "what",
        head: w.column.what,
        width: "minmax(180px, 2fr)",
        cell: (s) =>
          s.issue ? (
            <Link href={`/issues/${s.issue}`}>
              <Hostile text={titleIn(lang, s) || s.issue} />
            </Link>
          ) : s.rule ? (
            <Link href={`/rules/${encodeURIComponent(s.rule)}`}>
              <Hostile text={titleIn(lang, s) || s.rule} />
            </Link>
          ) : (
            <span className="mono">
              <Hostile text={s.q || s.when || s.title || ""} />
            </span>
          ),
      },
      {
        id: "kind",
        head: w.column.kind,
        width: "110px",
        min: 800,
        cell: (s) => <span className="dim">{w.kind[s.kind]}</span>,
      },
      {
        id: "reason",
        head: w.column.reason,
        width: "minmax(120px, 2fr)",
        min: 620,
        cell: (s) => <Hostile text={s.reason} />,
      },
      {
        id: "by",
        head: w.column.by,
        width: "minmax(80px, 150px)",
        sort: "by",
        min: 900,
        cell: (s) => <span className="dim">{s.by ? <Hostile text={s.by.replace(/^user:/, "")} /> : "–"}</span>,
      },
      {
        id: "until",
        head: w.column.until,
        width: "100px",
        sort: "until",
        align: "end",
        cell: (s) => <Time at={s.until} />,
      },
      {
        id: "lift",
        head: "",
        width: "76px",
        align: "end",
        cell: (s) =>
          can && s.kind !== "policy" && s.state === "active" ? (
            <Button
              size="compact-xs"
              variant="subtle"
              aria-label={plain(`${w.lifting}: ${titleIn(lang, s) || s.q || s.id}`)}
              onClick={() =>
                hold({
                  label: w.lifted,
                  shows: [{ key: `suppression/${s.id}`, change: { state: "ended" } }],
                  send: (leaving) => del(`/suppressions/${encodeURIComponent(s.id)}`, { keepalive: leaving }),
                  done: () => void client.invalidateQueries({ queryKey: ["list", "suppressions"] }),
                })
              }
            >
              {w.lift}
            </Button>
          ) : null,
      },
    ],
    [w, can, client, lang],
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        <RuleTabs at="suppressions" />
        <span className="grow" />
        {can && (
          <Button size="compact-sm" leftSection={<Icon name="mute" size={13} />} onClick={() => setForm(true)}>
            {w.make}
          </Button>
        )}
      </div>
      <ListView<Suppression>
        list="suppressions"
        label={w.title}
        columns={columns}
        rowKey={(s) => s.id}
        shown={(s) => lay(`suppression/${s.id}`, s)}
        q="state:active"
        sort="until"
        hint="state:active until:<7d"
        rowClass={(s) => (s.state === "ended" ? "row-quiet" : "")}
        first={(q) => (q === "" || q === "state:active") && <EmptyState title={w.empty} doc={w.emptyDoc} />}
      />
      {form && <SuppressForm close={() => setForm(false)} />}
    </div>
  );
}
