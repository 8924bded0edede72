import { Button, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { get, Problem, post } from "../../api/client";
import type { Offer } from "../../api/types";
import { go } from "../../app/go";
import { useLang } from "../../app/prefs";
import { useSearch } from "../../app/router";
import { useWords } from "../../i18n/words";
import { Password } from "../../ui/Password";
import { Gate } from "./Gate";
import { w as catalogue } from "./words";

/** next is where to go after the sign-in: an address of this console, nothing else. */
export function nextOf(next: string | undefined): string {
  // A browser takes control characters out of an address, and a backslash for a slash.
  return next && /^\/(?!\/)[^\p{Cc}\\]*$/u.test(next) && !next.startsWith("/sign-in") ? next : "/";
}

export function Page() {
  const w = useWords(catalogue);
  const lang = useLang();
  const search = useSearch();
  const client = useQueryClient();
  const offer = useQuery({ queryKey: ["sign-in"], queryFn: () => get<Offer>("/sign-in") });
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [factor, setFactor] = useState(false);
  const [busy, setBusy] = useState(false);
  const known = w.problem as Record<string, string>;
  // The code is of the address: anybody may have written it.
  const said = (code: string) => (Object.hasOwn(known, code) ? known[code]! : known.internal!);
  const [error, setError] = useState(search.problem ? said(search.problem) : "");
  const next = nextOf(search.next);

  useEffect(() => {
    document.title = `${w.submit} · Yagura`;
  }, [w]);

  const submit = async () => {
    setBusy(true);
    setError("");
    try {
      await post(
        "/sign-in",
        { name: name.trim(), password, ...(factor ? { code: code.replace(/\s/g, "") } : {}) },
        { quiet: true },
      );
      client.clear();
      go(next, { replace: true });
    } catch (err) {
      if (err instanceof Problem && err.code === "second_factor") {
        if (factor) setError(w.wrongCode);
        setCode("");
        setFactor(true);
      } else if (err instanceof Problem && err.code === "unauthenticated") setError(factor ? w.wrongCode : w.wrong);
      else if (err instanceof Problem && err.code === "rate_limited") setError(w.limited);
      else setError(err instanceof Problem ? err.said(lang) : String(err));
    } finally {
      setBusy(false);
    }
  };
  const providers = offer.data?.providers ?? [];
  const local = offer.data?.local ?? true;
  return (
    <Gate title={w.title} tagline={w.tagline}>
      {offer.data?.setup && <div className="notice">{w.setup}</div>}
      {error && (
        <div className="notice notice-bad" role="alert">
          {error}
        </div>
      )}
      {providers.map((p) => (
        <Button
          key={p.name}
          component="a"
          href={`${p.start}${p.start.includes("?") ? "&" : "?"}return=${encodeURIComponent(next)}`}
          size="sm"
          fullWidth
          variant="default"
        >
          {w.with(p.label || p.name)}
        </Button>
      ))}
      {providers.length > 0 && local && (
        <div className="gate-or">
          <span>{w.or}</span>
        </div>
      )}
      {!local && providers.length > 0 && <p className="dim">{w.noLocal}</p>}
      {local && (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            void submit();
          }}
        >
          {factor ? (
            <TextInput
              key="code"
              label={w.code}
              description={w.codeDoc}
              value={code}
              onChange={(e) => setCode(e.currentTarget.value)}
              inputMode="numeric"
              autoComplete="one-time-code"
              maxLength={16}
              autoFocus
              required
              size="sm"
              withAsterisk={false}
            />
          ) : (
            <>
              <TextInput
                key="name"
                label={w.name}
                value={name}
                onChange={(e) => setName(e.currentTarget.value)}
                autoComplete="username"
                autoCapitalize="none"
                spellCheck={false}
                autoFocus
                required
                size="sm"
                withAsterisk={false}
              />
              <Password
                label={w.password}
                value={password}
                onChange={(e) => setPassword(e.currentTarget.value)}
                autoComplete="current-password"
                required
                size="sm"
                withAsterisk={false}
              />
            </>
          )}
          <Button type="submit" variant="filled" size="sm" fullWidth loading={busy}>
            {w.submit}
          </Button>
        </form>
      )}
    </Gate>
  );
}
