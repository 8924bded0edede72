import { Button, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { get, Problem, post } from "../../api/client";
import type { Offer } from "../../api/types";
import { go } from "../../app/go";
import { useLang } from "../../app/prefs";
import { useWords } from "../../i18n/words";
import { Password } from "../../ui/Password";
import { Gate } from "../sign-in/Gate";
import { w as catalogue } from "./words";

/** keyOf is the key of the set-up link: behind # it reaches no server's log. */
export function keyOf(hash: string, search: string): string {
  const h = hash.replace(/^#/, "");
  return (
    new URLSearchParams(h).get("key") ?? (h && !h.includes("=") ? h : (new URLSearchParams(search).get("key") ?? ""))
  );
}

export function Page() {
  const w = useWords(catalogue);
  const lang = useLang();
  const client = useQueryClient();
  const [key, setKey] = useState(() => keyOf(location.hash, location.search));
  const [linked] = useState(key !== "");
  const [name, setName] = useState("");
  const [display, setDisplay] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const offer = useQuery({ queryKey: ["sign-in"], queryFn: () => get<Offer>("/sign-in") });
  // Where there are users already, the link is an invitation: it names its user itself.
  const invited = linked && offer.data?.setup === false;

  useEffect(() => {
    document.title = `${invited ? w.invited.title : w.title} · Yagura`;
    // The key is for one use; it need not stay in the address and the history.
    if (linked) history.replaceState(history.state, "", location.pathname);
  }, [w, linked, invited]);

  const submit = async () => {
    if (password !== again) {
      setError(w.differs);
      return;
    }
    setBusy(true);
    setError("");
    try {
      await post(
        "/setup",
        invited ? { key, password } : { key, name: name.trim(), display: display.trim() || name.trim(), password },
        { quiet: true },
      );
      client.clear();
      // Some set-ups sign in at once, others ask for it.
      go("/", { replace: true });
    } catch (err) {
      setError(err instanceof Problem ? err.said(lang) : String(err));
    } finally {
      setBusy(false);
    }
  };
  // The same page sets the first password of everybody who was sent a link.
  if (offer.data && !offer.data.setup && !linked)
    return (
      <Gate title={w.title} tagline="">
        <p className="dim">{w.done}</p>
        <Button variant="filled" size="sm" onClick={() => go("/sign-in")}>
          {w.toSignIn}
        </Button>
      </Gate>
    );
  return (
    <Gate title={invited ? w.invited.title : w.title} tagline={invited ? w.invited.tagline : w.tagline}>
      {error && (
        <div className="notice notice-bad" role="alert">
          {error}
        </div>
      )}
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
        }}
      >
        {!linked && (
          <TextInput
            label={w.key}
            description={w.keyDoc}
            value={key}
            onChange={(e) => setKey(e.currentTarget.value)}
            required
            size="sm"
            withAsterisk={false}
            autoComplete="off"
            spellCheck={false}
          />
        )}
        {!invited && (
          <>
            <TextInput
              label={w.name}
              description={w.nameDoc}
              value={name}
              onChange={(e) => setName(e.currentTarget.value)}
              required
              size="sm"
              withAsterisk={false}
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              autoFocus
            />
            <TextInput
              label={w.display}
              value={display}
              onChange={(e) => setDisplay(e.currentTarget.value)}
              size="sm"
              autoComplete="name"
            />
          </>
        )}
        <Password
          label={w.password}
          description={w.passwordDoc}
          value={password}
          onChange={(e) => setPassword(e.currentTarget.value)}
          required
          minLength={12}
          size="sm"
          withAsterisk={false}
          autoComplete="new-password"
        />
        <Password
          label={w.again}
          value={again}
          onChange={(e) => setAgain(e.currentTarget.value)}
          required
          size="sm"
          withAsterisk={false}
          autoComplete="new-password"
        />
        <Button type="submit" variant="filled" size="sm" fullWidth loading={busy}>
          {invited ? w.invited.submit : w.submit}
        </Button>
      </form>
    </Gate>
  );
}
