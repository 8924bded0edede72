import { Button, NativeSelect, SegmentedControl, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { Problem, patch, post } from "../../api/client";
import type { Binding } from "../../api/types";
import { type Prefs, useLang, usePrefs } from "../../app/prefs";
import { prefer, useSession } from "../../app/session";
import { say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { Password as PasswordField } from "../../ui/Password";
import { zoneName } from "../../ui/time";
import { BindingTags } from "./Bindings";
import { MySessions } from "./Sessions";
import { w as catalogue } from "./words";

const Totp = lazy(() => import("./Totp").then((m) => ({ default: m.Totp })));

/** Block is one subject of a page of settings. */
export function Block({ title, doc, children }: { title: ReactNode; doc?: ReactNode; children: ReactNode }) {
  return (
    <section className="set-block">
      <div className="set-title">
        <h2>{title}</h2>
        {doc && <p className="dim">{doc}</p>}
      </div>
      <div className="set-body">{children}</div>
    </section>
  );
}

/** Me is what somebody may change of themselves. */
export function Me() {
  const w = useWords(catalogue);
  const session = useSession();
  const local = session.user.via === "local";
  return (
    <div className="page-body settings">
      <Profile />
      <Look />
      {local ? (
        <>
          <Password />
          <Block title={w.totp.title} doc={session.user.totp ? w.totp.on : w.totp.off}>
            <Suspense fallback={null}>
              <Totp />
            </Suspense>
          </Block>
        </>
      ) : (
        <Block title={w.me.password}>
          <p className="set-line dim">{w.me.passwordVia(session.user.via)}</p>
        </Block>
      )}
      <Block title={w.session.title}>
        <MySessions />
      </Block>
    </div>
  );
}

function Profile() {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const session = useSession();
  const client = useQueryClient();
  const [display, setDisplay] = useState(session.user.display);
  const save = async () => {
    try {
      await patch("/me", { display: display.trim() });
      say(w.me.saved);
      await client.invalidateQueries({ queryKey: ["session"] });
    } catch (err) {
      say(w.me.display, "error", err instanceof Problem ? err.said(lang) : String(err));
    }
  };
  return (
    <Block title={w.me.profile}>
      <dl className="facts">
        <dt>{w.me.name}</dt>
        <dd className="mono">{session.user.name}</dd>
        <dt>{w.me.via}</dt>
        <dd>{session.user.via === "local" ? w.me.local : session.user.via}</dd>
        <dt>{w.me.roles}</dt>
        <dd>
          <BindingTags bindings={session.user.bindings as Binding[]} />
        </dd>
      </dl>
      <form
        className="set-row"
        onSubmit={(e) => {
          e.preventDefault();
          void save();
        }}
      >
        <TextInput
          label={w.me.display}
          description={w.me.displayDoc}
          value={display}
          maxLength={100}
          onChange={(e) => setDisplay(e.currentTarget.value)}
          className="set-field"
        />
        <Button type="submit" disabled={display.trim() === session.user.display}>
          {core.do.save}
        </Button>
      </form>
    </Block>
  );
}

function Look() {
  const w = useWords(catalogue);
  const core = useCore();
  const { lang, theme, zone } = usePrefs();
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = Intl.supportedValuesOf?.("timeZone") ?? [];
  const usual = ["Asia/Tokyo", "UTC"];
  return (
    <Block title={w.me.look}>
      <div className="set-pair">
        <span id="lang">{w.me.language}</span>
        <SegmentedControl
          aria-labelledby="lang"
          value={lang}
          onChange={(v) => prefer({ lang: v as Prefs["lang"] })}
          data={[
            { value: "en", label: core.session.english },
            { value: "ja", label: core.session.japanese },
          ]}
        />
      </div>
      <div className="set-pair">
        <span id="theme">{w.me.theme}</span>
        <SegmentedControl
          aria-labelledby="theme"
          value={theme}
          onChange={(v) => prefer({ theme: v as Prefs["theme"] })}
          data={[
            { value: "dark", label: core.palette.dark },
            { value: "light", label: core.palette.light },
            { value: "system", label: core.palette.system },
          ]}
        />
      </div>
      <NativeSelect
        label={w.me.zone}
        description={w.me.zoneDoc}
        value={zone}
        onChange={(e) => prefer({ zone: e.currentTarget.value })}
        className="set-field"
        data={[
          { value: "", label: `${w.me.browser} (${zoneName(here)})` },
          ...usual.map((z) => ({ value: z, label: `${z} (${zoneName(z)})` })),
          ...zones.filter((z) => !usual.includes(z)).map((z) => ({ value: z, label: z })),
          ...(zone && !usual.includes(zone) && !zones.includes(zone) ? [{ value: zone, label: zone }] : []),
        ]}
      />
    </Block>
  );
}

function Password() {
  const w = useWords(catalogue);
  const lang = useLang();
  const session = useSession();
  const client = useQueryClient();
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [again, setAgain] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const differ = again !== "" && fresh !== again;
  const change = async () => {
    setBusy(true);
    setError("");
    try {
      await post("/me/password", { old, new: fresh }, { quiet: true });
      say(w.me.changed);
      setOld("");
      setFresh("");
      setAgain("");
      void client.invalidateQueries({ queryKey: ["my-sessions"] });
    } catch (err) {
      setError(err instanceof Problem ? err.said(lang) : String(err));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Block title={w.me.password} doc={w.me.minimum}>
      <form
        className="set-form"
        onSubmit={(e) => {
          e.preventDefault();
          if (!differ) void change();
        }}
      >
        <input type="text" name="username" autoComplete="username" value={session.user.name} readOnly hidden />
        <PasswordField
          label={w.me.old}
          value={old}
          onChange={(e) => setOld(e.currentTarget.value)}
          autoComplete="current-password"
          required
          withAsterisk={false}
        />
        <PasswordField
          label={w.me.fresh}
          value={fresh}
          onChange={(e) => setFresh(e.currentTarget.value)}
          autoComplete="new-password"
          minLength={12}
          required
          withAsterisk={false}
        />
        <PasswordField
          label={w.me.again}
          value={again}
          onChange={(e) => setAgain(e.currentTarget.value)}
          autoComplete="new-password"
          required
          withAsterisk={false}
          error={differ ? w.me.differ : undefined}
        />
        {error && (
          <div className="notice notice-bad" role="alert">
            {error}
          </div>
        )}
        <div>
          <Button type="submit" loading={busy} disabled={!old || !fresh || fresh !== again}>
            {w.me.change}
          </Button>
        </div>
      </form>
    </Block>
  );
}
