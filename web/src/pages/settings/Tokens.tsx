import { Button, Modal, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { del, get, Problem, post } from "../../api/client";
import type { Token } from "../../api/types";
import { useLang } from "../../app/prefs";
import { say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { Command } from "../../ui/Command";
import { CopyButton } from "../../ui/Copy";
import { EmptyState } from "../../ui/EmptyState";
import { FormFoot } from "../../ui/FormFoot";
import { Hostile } from "../../ui/Hostile";
import { Icon } from "../../ui/Icon";
import { ListView } from "../../ui/ListView";
import { StateMark } from "../../ui/StateMark";
import { Time, useNow } from "../../ui/Time";
import { isZero } from "../../ui/time";
import type { Column } from "../../ui/VirtualTable";
import { BindingFields, BindingTags } from "./Bindings";
import { type Draft, expiry, toBindings, toDraft } from "./scope";
import { w as catalogue } from "./words";

type TokenState = "active" | "expired" | "revoked";

function stateOf(t: Token, now: number): TokenState {
  if (!isZero(t.revoked)) return "revoked";
  return Date.parse(t.expires) <= now ? "expired" : "active";
}

function State({ token }: { token: Token }) {
  const w = useWords(catalogue);
  const s = stateOf(token, useNow());
  return <StateMark state={s === "active" ? "ok" : "off"} word={w.token[s]} />;
}

/** Tokens are the keys of machines. */
export function Tokens() {
  const w = useWords(catalogue);
  const client = useQueryClient();
  const now = useNow();
  const [adding, setAdding] = useState(false);
  const anew = () => void client.invalidateQueries({ queryKey: ["list", "tokens"] });
  const columns = useMemo<Column<Token>[]>(
    () => [
      { id: "state", head: w.token.column.state, width: "96px", min: 480, cell: (t) => <State token={t} /> },
      {
        id: "name",
        head: w.token.column.name,
        width: "minmax(130px, 1.4fr)",
        sort: "name",
        cell: (t) => <Hostile text={t.name} />,
      },
      {
        id: "roles",
        head: w.token.column.roles,
        width: "minmax(120px, 1.6fr)",
        cell: (t) => <BindingTags bindings={t.bindings} />,
      },
      {
        id: "bound",
        head: w.token.column.bound,
        width: "110px",
        min: 720,
        cell: (t) =>
          t.certificate ? (
            <span className="row tone-good">
              <Icon name="lock" size={12} /> {w.token.bound}
            </span>
          ) : (
            <span className="faint">{w.token.unbound}</span>
          ),
      },
      {
        id: "used",
        head: w.token.column.used,
        width: "100px",
        sort: "used",
        align: "end",
        min: 640,
        cell: (t) => (isZero(t.used) ? <span className="faint">{w.token.never}</span> : <Time at={t.used} />),
      },
      {
        id: "expires",
        head: w.token.column.expires,
        width: "100px",
        sort: "expires",
        align: "end",
        cell: (t) => <Time at={t.expires} />,
      },
    ],
    [w],
  );
  return (
    <>
      <ListView<Token>
        list="tokens"
        label={w.tab.tokens}
        columns={columns}
        rowKey={(t) => t.id}
        sort="name"
        hint="state:active bound:no expires:<14d"
        presets={[
          { label: w.token.preset.soon, q: "state:active expires:<14d" },
          { label: w.token.preset.unbound, q: "state:active bound:no" },
        ]}
        rowClass={(t) => (stateOf(t, now) === "active" ? "" : "row-quiet")}
        first={<First />}
        actions={
          <Button variant="filled" leftSection={<Icon name="plus" size={12} />} onClick={() => setAdding(true)}>
            {w.token.add}
          </Button>
        }
        panel={(id) => <One key={id} id={id} changed={anew} />}
      />
      {adding && (
        <Add
          close={() => {
            setAdding(false);
            anew();
          }}
        />
      )}
    </>
  );
}

function First() {
  const w = useWords(catalogue);
  return (
    <EmptyState
      title={w.token.none}
      doc={w.token.noneDoc}
      steps={[
        {
          title: w.token.noneCert,
          code: "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \\\n  -noenc -days 365 -subj /CN=ci -keyout ci.key -out ci.crt",
        },
        {
          title: w.token.noneMake,
          code: `curl --cert ci.crt --key ci.key \\\n  -H "Authorization: Bearer $YAGURA_TOKEN" \\\n  ${location.origin}/api/v1/issues?q=status:open`,
        },
      ]}
    />
  );
}

function Add({ close }: { close: () => void }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const [name, setName] = useState("");
  const [days, setDays] = useState("90");
  const [certificate, setCertificate] = useState("");
  const [bindings, setBindings] = useState<Draft[]>(toDraft([{ role: "viewer" }]));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [made, setMade] = useState<{ token: Token; text: string }>();
  const add = async () => {
    setBusy(true);
    setError("");
    try {
      setMade(
        await post("/tokens", {
          name: name.trim(),
          bindings: toBindings(bindings),
          expires: expiry(Number(days), Date.now()),
          ...(certificate.trim() ? { certificate: certificate.trim() } : {}),
        }),
      );
    } catch (err) {
      setError(err instanceof Problem ? err.said(lang) : String(err));
    } finally {
      setBusy(false);
    }
  };
  if (made)
    return (
      <Modal opened onClose={close} title={w.token.made} size={620} closeOnClickOutside={false}>
        <div className="set-form">
          <div className="once">
            <code>{made.text}</code>
            <CopyButton text={made.text} />
          </div>
          <p className="dim set-line">{w.token.madeDoc}</p>
          <Command
            text={`export YAGURA_TOKEN=${made.text}\ncurl -sS ${made.token.certificate ? "--cert client.crt --key client.key " : ""}-H "Authorization: Bearer $YAGURA_TOKEN" ${location.origin}/api/v1/session`}
          />
          <div>
            <Button onClick={close}>{core.do.close}</Button>
          </div>
        </div>
      </Modal>
    );
  return (
    <Modal opened onClose={close} title={w.token.add} size={580}>
      <form
        className="set-form"
        onSubmit={(e) => {
          e.preventDefault();
          void add();
        }}
      >
        <TextInput
          label={w.token.name}
          value={name}
          placeholder={w.token.namePlaceholder}
          onChange={(e) => setName(e.currentTarget.value)}
          required
          withAsterisk={false}
          maxLength={100}
          data-autofocus
        />
        <NativeSelect
          label={w.token.expires}
          value={days}
          onChange={(e) => setDays(e.currentTarget.value)}
          data={["7", "30", "90", "180", "365"].map((d) => ({ value: d, label: w.token.days(Number(d)) }))}
        />
        <BindingFields value={bindings} onChange={setBindings} />
        <Textarea
          label={w.token.certificate}
          description={w.token.certificateDoc}
          value={certificate}
          onChange={(e) => setCertificate(e.currentTarget.value)}
          placeholder="-----BEGIN CERTIFICATE-----"
          rows={4}
          spellCheck={false}
          classNames={{ input: "mono" }}
        />
        {error && (
          <div className="notice notice-bad" role="alert">
            {error}
          </div>
        )}
        <FormFoot cancel={close} label={w.token.make} loading={busy} disabled={!name.trim() || bindings.length === 0} />
      </form>
    </Modal>
  );
}

function One({ id, changed }: { id: string; changed: () => void }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const now = useNow();
  const [sure, setSure] = useState(false);
  const path = `/tokens/${encodeURIComponent(id)}`;
  const r = useQuery({ queryKey: ["token", id], queryFn: ({ signal }) => get<Token>(path, signal), retry: false });
  if (r.error)
    return <EmptyState title={w.token.gone} doc={r.error instanceof Problem ? r.error.said(lang) : undefined} />;
  const t = r.data;
  if (!t) return null;
  const row = (label: string, value: React.ReactNode) => (
    <>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </>
  );
  return (
    <section className="section">
      <div className="row wrap">
        <h1>
          <Hostile text={t.name} />
        </h1>
        <State token={t} />
      </div>
      <dl className="facts set-facts">
        {row(w.token.column.roles, <BindingTags bindings={t.bindings} />)}
        {row(w.session.created, <Time at={t.created} mode="exact" />)}
        {row(w.token.column.by, <Hostile text={t.created_by} mono />)}
        {row(w.token.column.used, isZero(t.used) ? w.token.never : <Time at={t.used} />)}
        {row(w.token.column.expires, <Time at={t.expires} mode="exact" />)}
        {!isZero(t.revoked) && row(w.token.revoked, <Time at={t.revoked} mode="exact" />)}
        {row(
          w.token.thumb,
          t.certificate ? (
            <span className="mono">{t.certificate}</span>
          ) : (
            <span className="dim">
              {w.token.unbound}. {w.token.certificateDoc}
            </span>
          ),
        )}
      </dl>
      {stateOf(t, now) === "active" && (
        <div className="set-facts">
          <Button
            color="red"
            variant={sure ? "filled" : "default"}
            onClick={async () => {
              if (!sure) {
                setSure(true);
                return;
              }
              try {
                await del(path);
                say(w.token.revokedSaid(t.name));
                await r.refetch();
                changed();
              } catch (err) {
                say(w.token.revoke, "error", err instanceof Problem ? err.said(lang) : String(err));
              }
            }}
          >
            {w.token.revoke}
            {sure && " ✓"}
          </Button>
        </div>
      )}
    </section>
  );
}
