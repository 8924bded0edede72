import { TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { Problem } from "../../api/client";
import { useLang } from "../../app/prefs";
import { count, useWords } from "../../i18n/words";
import { Command } from "../../ui/Command";
import { CopyButton } from "../../ui/Copy";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { useSettings } from "./Providers";
import { w as catalogue } from "./words";

/** Config is the configuration as it holds, secrets masked. */
export function Config() {
  const w = useWords(catalogue);
  const lang = useLang();
  const r = useSettings();
  const [find, setFind] = useState("");
  const text = r.data?.text ?? "";
  const lines = useMemo(() => text.replace(/\n$/, "").split("\n"), [text]);
  const needle = find.trim().toLowerCase();
  const hits = needle ? lines.filter((l) => l.toLowerCase().includes(needle)).length : 0;
  if (!r.data)
    return r.error ? (
      <EmptyState title={w.tab.config} doc={r.error instanceof Problem ? r.error.said(lang) : r.error.message} />
    ) : (
      <div className="page-body" aria-busy="true" />
    );
  return (
    <div className="page-body settings settings-wide">
      <p className="dim set-line">{w.config.doc}</p>
      <div className="config-bar">
        <TextInput
          aria-label={w.config.find}
          placeholder={w.config.find}
          value={find}
          onChange={(e) => setFind(e.currentTarget.value)}
        />
        <span className="faint">
          {needle ? w.config.hits(count(hits, lang)) : w.config.lines(count(lines.length, lang))}
        </span>
        <span className="grow" />
        {r.data.file && (
          <span className="mono dim cut">
            <Hostile text={r.data.file} />
          </span>
        )}
        <CopyButton text={text} />
      </div>
      <div className="raw config">
        <div className="raw-lines">
          {lines.map((l, i) => {
            const m = /^(\s*(?:- )?)([\w.-]+:)(.*)$/.exec(l);
            return (
              <div key={i} className={needle && l.toLowerCase().includes(needle) ? "raw-line raw-marked" : "raw-line"}>
                <span className="raw-n" aria-hidden="true">
                  {i + 1}
                </span>
                <span className="config-text">
                  {m ? (
                    <>
                      {m[1]}
                      <span className="json-key">{m[2]}</span>
                      <Hostile text={m[3]!} />
                    </>
                  ) : (
                    <Hostile text={l} />
                  )}
                </span>
              </div>
            );
          })}
        </div>
      </div>
      <p className="dim set-line">{w.config.check}</p>
      <Command text={`yagura config check --resolve ${r.data.file ?? "yagura.yaml"}`} />
    </div>
  );
}
