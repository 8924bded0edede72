import { Button, Checkbox, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { del, Problem, post, put } from "../../api/client";
import type { Recovery } from "../../api/types";
import { useLang } from "../../app/prefs";
import { useSession } from "../../app/session";
import { say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { CopyButton } from "../../ui/Copy";
import { Password } from "../../ui/Password";
import { path, qr } from "./qr";
import { w as catalogue } from "./words";

/** QR draws a text as a QR code: dark on white in both themes, as cameras want it. */
export function QR({ text, label }: { text: string; label: string }) {
  const code = useMemo(() => qr(text), [text]);
  const n = code.length;
  return (
    <svg
      className="qr"
      viewBox={`-4 -4 ${n + 8} ${n + 8}`}
      width={188}
      height={188}
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
    >
      <rect x={-4} y={-4} width={n + 8} height={n + 8} fill="#fff" />
      <path d={path(code)} fill="#000" />
    </svg>
  );
}

/** Totp turns the second factor on and off. */
export function Totp() {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const session = useSession();
  const client = useQueryClient();
  const [made, setMade] = useState<{ secret: string; uri: string }>();
  const [codes, setCodes] = useState<string[]>();
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const [removing, setRemoving] = useState(false);
  const [kept, setKept] = useState(false);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const run = async (f: () => Promise<void>) => {
    setBusy(true);
    setError("");
    try {
      await f();
    } catch (err) {
      setError(err instanceof Problem ? err.said(lang) : String(err));
    } finally {
      setBusy(false);
    }
  };
  const problem = error && (
    <div className="notice notice-bad" role="alert">
      {error}
    </div>
  );
  if (codes) {
    const text = `${codes.join("\n")}\n`;
    return (
      <div className="set-form">
        <strong>{w.totp.codes}</strong>
        <p className="dim set-line">{w.totp.codesDoc}</p>
        <ul className="codes mono">
          {codes.map((c) => (
            <li key={c}>{c}</li>
          ))}
        </ul>
        <div className="row wrap">
          <CopyButton text={text} />
          <Button
            component="a"
            href={`data:text/plain;charset=utf-8,${encodeURIComponent(text)}`}
            download="yagura-recovery-codes.txt"
          >
            {w.totp.download}
          </Button>
          <Checkbox label={w.totp.kept} checked={kept} onChange={(e) => setKept(e.currentTarget.checked)} />
        </div>
        <div>
          <Button
            variant="filled"
            disabled={!kept}
            onClick={() => {
              setCodes(undefined);
              setMade(undefined);
              setKept(false);
              void client.invalidateQueries({ queryKey: ["session"] });
            }}
          >
            {core.do.close}
          </Button>
        </div>
      </div>
    );
  }
  if (session.user.totp)
    return removing ? (
      <form
        className="set-form"
        onSubmit={(e) => {
          e.preventDefault();
          void run(async () => {
            await del("/me/totp", { body: { password }, quiet: true });
            say(w.totp.gone);
            setRemoving(false);
            setPassword("");
            await client.invalidateQueries({ queryKey: ["session"] });
          });
        }}
      >
        <Password
          label={w.totp.removeDoc}
          value={password}
          onChange={(e) => setPassword(e.currentTarget.value)}
          autoComplete="current-password"
          data-autofocus
        />
        {problem}
        <div className="row">
          <Button type="submit" color="red" loading={busy} disabled={!password}>
            {w.totp.remove}
          </Button>
          <Button variant="subtle" onClick={() => setRemoving(false)}>
            {core.do.cancel}
          </Button>
        </div>
      </form>
    ) : (
      <div>
        <Button onClick={() => setRemoving(true)}>{w.totp.remove}</Button>
      </div>
    );
  if (!made)
    return (
      <div className="set-form">
        {problem}
        <div>
          <Button variant="filled" loading={busy} onClick={() => void run(async () => setMade(await post("/me/totp")))}>
            {w.totp.start}
          </Button>
        </div>
      </div>
    );
  return (
    <form
      className="totp"
      onSubmit={(e) => {
        e.preventDefault();
        void run(async () => {
          try {
            const r = await put<Recovery>("/me/totp", { code: code.replace(/\s/g, "") }, { quiet: true });
            setCode("");
            say(w.totp.done);
            setCodes(r.codes);
          } catch (err) {
            // A wrong code is no end of the session.
            if (err instanceof Problem && (err.status === 401 || err.code === "second_factor"))
              throw new Error(w.totp.wrong);
            throw err;
          }
        });
      }}
    >
      <QR text={made.uri} label={w.totp.qr} />
      <div className="set-form">
        <div>
          <strong>1. {w.totp.scan}</strong>
          <div className="dim">{w.totp.scanDoc}</div>
        </div>
        <div>
          <div className="dim">{w.totp.secret}</div>
          <div className="row">
            <code className="secret">{made.secret.replace(/(.{4})(?=.)/g, "$1 ")}</code>
            <CopyButton text={made.secret} />
          </div>
        </div>
        <TextInput
          label={`2. ${w.totp.code}`}
          value={code}
          onChange={(e) => setCode(e.currentTarget.value)}
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={7}
          placeholder="000000"
          className="totp-code"
        />
        {problem}
        <div className="row">
          <Button type="submit" variant="filled" loading={busy} disabled={code.replace(/\D/g, "").length !== 6}>
            {w.totp.confirm}
          </Button>
          <Button variant="subtle" onClick={() => setMade(undefined)}>
            {core.do.cancel}
          </Button>
        </div>
      </div>
    </form>
  );
}
