import { Button, Checkbox, Modal, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { del, etag, get, Problem, patch, post } from "../../api/client";
import type { Ended, Invited, Page, SessionRow, User } from "../../api/types";
import { go, withSearch } from "../../app/go";
import { useLang } from "../../app/prefs";
import { useSession } from "../../app/session";
import { say } from "../../app/undo";
import { useCore } from "../../i18n/core";
import { count, useWords } from "../../i18n/words";
import { CopyButton } from "../../ui/Copy";
import { EmptyState } from "../../ui/EmptyState";
import { FormFoot } from "../../ui/FormFoot";
import { Hostile } from "../../ui/Hostile";
import { Icon } from "../../ui/Icon";
import { ListView } from "../../ui/ListView";
import { StateMark } from "../../ui/StateMark";
import { Time } from "../../ui/Time";
import { isZero } from "../../ui/time";
import type { Column } from "../../ui/VirtualTable";
import { BindingFields, BindingTags } from "./Bindings";
import { link } from "./links";
import { SessionTable } from "./Sessions";
import { type Draft, same, toBindings, toDraft } from "./scope";
import { w as catalogue } from "./words";

/** Users are who may sign in, with their roles. */
export function Users() {
  const w = useWords(catalogue);
  const session = useSession();
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [invited, setInvited] = useState<Invited>();
  const anew = () => void client.invalidateQueries({ queryKey: ["list", "users"] });
  const columns = useMemo<Column<User>[]>(
    () => [
      {
        id: "name",
        head: w.user.column.name,
        width: "minmax(150px, 1.4fr)",
        sort: "name",
        cell: (u) => (
          <>
            <Hostile text={u.name} /> {u.id === session.user.id && <span className="tag">{w.user.self}</span>}
          </>
        ),
      },
      {
        id: "display",
        head: w.user.column.display,
        width: "minmax(100px, 1fr)",
        min: 640,
        cell: (u) => <Hostile text={u.display} />,
      },
      {
        id: "roles",
        head: w.user.column.roles,
        width: "minmax(140px, 2fr)",
        cell: (u) => <BindingTags bindings={u.bindings} />,
      },
      {
        id: "via",
        head: w.user.column.via,
        width: "110px",
        sort: "via",
        min: 760,
        cell: (u) => <span className="dim">{u.via === "local" ? w.me.local : u.via}</span>,
      },
      {
        id: "totp",
        head: w.user.column.totp,
        width: "90px",
        min: 860,
        cell: (u) =>
          u.via !== "local" ? (
            <span className="faint">–</span>
          ) : u.totp ? (
            <span className="tone-good row">
              <Icon name="check" size={12} />
            </span>
          ) : (
            <span className="tone-warn">{w.provider.off}</span>
          ),
      },
      {
        id: "signed_in",
        head: w.user.column.signedIn,
        width: "116px",
        sort: "signed_in",
        align: "end",
        min: 540,
        cell: (u) => (u.disabled ? <StateMark state="off" word={w.user.disabled} /> : <Time at={u.signed_in} />),
      },
    ],
    [w, session.user.id],
  );
  return (
    <>
      <ListView<User>
        list="users"
        label={w.tab.users}
        columns={columns}
        rowKey={(u) => u.id}
        sort="name"
        hint="role:admin totp:no signed_in:>90d"
        presets={[
          { label: w.user.preset.noTotp, q: "totp:no via:local" },
          { label: w.user.preset.disabled, q: "disabled:yes" },
        ]}
        rowClass={(u) => (u.disabled ? "row-quiet" : "")}
        first={<EmptyState title={w.user.none} />}
        actions={
          <Button variant="filled" leftSection={<Icon name="plus" size={12} />} onClick={() => setAdding(true)}>
            {w.user.add}
          </Button>
        }
        panel={(id) => <One key={id} id={id} changed={anew} invited={setInvited} />}
      />
      {adding && (
        <Add
          close={() => setAdding(false)}
          done={(i) => {
            setAdding(false);
            setInvited(i);
            anew();
          }}
        />
      )}
      {invited && <Invitation of={invited} close={() => setInvited(undefined)} />}
    </>
  );
}

function Add({ close, done }: { close: () => void; done: (i: Invited) => void }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const [name, setName] = useState("");
  const [display, setDisplay] = useState("");
  const [bindings, setBindings] = useState<Draft[]>(toDraft([{ role: "analyst" }]));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const add = async () => {
    setBusy(true);
    setError("");
    try {
      done(
        await post<Invited>("/users", {
          name: name.trim(),
          display: display.trim(),
          lang,
          bindings: toBindings(bindings),
        }),
      );
    } catch (err) {
      setError(err instanceof Problem ? err.said(lang) : String(err));
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={close} title={w.user.add} size={560}>
      <form
        className="set-form"
        onSubmit={(e) => {
          e.preventDefault();
          void add();
        }}
      >
        <TextInput
          label={w.me.name}
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
          placeholder="mary@example.com"
          required
          withAsterisk={false}
          data-autofocus
          autoComplete="off"
          spellCheck={false}
        />
        <TextInput
          label={w.me.display}
          value={display}
          onChange={(e) => setDisplay(e.currentTarget.value)}
          maxLength={100}
          autoComplete="off"
        />
        <BindingFields value={bindings} onChange={setBindings} />
        {error && (
          <div className="notice notice-bad" role="alert">
            {error}
          </div>
        )}
        <FormFoot cancel={close} label={w.user.add} loading={busy} disabled={!name.trim()} />
      </form>
    </Modal>
  );
}

function Invitation({ of, close }: { of: Invited; close: () => void }) {
  const w = useWords(catalogue);
  const core = useCore();
  const href = link(of.key, location.origin);
  return (
    <Modal opened onClose={close} title={w.user.link} size={560} closeOnClickOutside={false}>
      <div className="set-form">
        <strong>
          <Hostile text={of.user.display || of.user.name} />
        </strong>
        <p className="dim set-line">{w.user.linkDoc}</p>
        <div className="once">
          <code>{href}</code>
          <CopyButton text={href} />
        </div>
        <div>
          <Button onClick={close}>{core.do.close}</Button>
        </div>
      </div>
    </Modal>
  );
}

function One({ id, changed, invited }: { id: string; changed: () => void; invited: (i: Invited) => void }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const session = useSession();
  const client = useQueryClient();
  const path = `/users/${encodeURIComponent(id)}`;
  const r = useQuery({ queryKey: ["user", id], queryFn: ({ signal }) => get<User>(path, signal), retry: false });
  const sessions = useQuery({
    queryKey: ["user-sessions", id],
    queryFn: ({ signal }) => get<Page<SessionRow>>(`${path}/sessions`, signal),
    retry: false,
  });
  const [display, setDisplay] = useState("");
  const [email, setEmail] = useState("");
  const [pinned, setPinned] = useState(false);
  const [bindings, setBindings] = useState<Draft[]>([]);
  const [stale, setStale] = useState(false);
  const [sure, setSure] = useState(false);
  const u = r.data;
  useEffect(() => {
    if (!u) return;
    setDisplay(u.display);
    setEmail(u.email ?? "");
    setPinned(u.pinned ?? false);
    setBindings(toDraft(u.bindings));
  }, [u]);
  if (r.error)
    return <EmptyState title={w.user.noMore} doc={r.error instanceof Problem ? r.error.said(lang) : undefined} />;
  if (!u) return null;
  const dirty =
    display !== u.display ||
    email !== (u.email ?? "") ||
    pinned !== (u.pinned ?? false) ||
    !same(toBindings(bindings), u.bindings);
  const self = u.id === session.user.id;
  const did = async (label: string, f: () => Promise<unknown>) => {
    try {
      await f();
      await r.refetch();
      changed();
      return true;
    } catch (err) {
      if (err instanceof Problem && (err.code === "stale" || err.status === 412)) {
        setStale(true);
        await r.refetch();
        changed();
      } else say(label, "error", err instanceof Problem ? err.said(lang) : String(err));
      return false;
    }
  };
  const save = async () => {
    setStale(false);
    const body: Record<string, unknown> = { display: display.trim(), email: email.trim() };
    if (!same(toBindings(bindings), u.bindings)) body.bindings = toBindings(bindings);
    if (pinned !== (u.pinned ?? false)) body.pinned = pinned;
    if (await did(w.user.save, () => patch(path, body, { match: etag(path) }))) {
      say(w.me.saved);
      if (self) void client.invalidateQueries({ queryKey: ["session"] });
    }
  };
  const open = sessions.data?.items ?? [];
  return (
    <>
      <section className="section">
        <div className="row wrap">
          <h1>
            <Hostile text={u.display || u.name} />
          </h1>
          <span className="mono dim">
            <Hostile text={u.name} />
          </span>
          {u.disabled && <StateMark state="off" word={w.user.disabled} />}
          {self && <span className="tag">{w.user.self}</span>}
        </div>
        <dl className="facts set-facts">
          <dt>{w.user.column.via}</dt>
          <dd>{u.via === "local" ? w.me.local : u.via}</dd>
          <dt>{w.user.column.signedIn}</dt>
          <dd>{isZero(u.signed_in) ? w.user.invited : <Time at={u.signed_in} mode="exact" />}</dd>
          {u.via === "local" && (
            <>
              <dt>{w.totp.title}</dt>
              <dd className={u.totp ? "tone-good" : "tone-warn"}>{u.totp ? w.provider.on : w.provider.off}</dd>
            </>
          )}
          {(u.groups ?? []).length > 0 && (
            <>
              <dt>{w.user.groups}</dt>
              <dd>
                <Hostile text={u.groups!.join(", ")} />
              </dd>
            </>
          )}
        </dl>
      </section>
      <section className="section">
        <form
          className="set-form"
          onSubmit={(e) => {
            e.preventDefault();
            void save();
          }}
        >
          {stale && (
            <div className="notice notice-warn" role="alert">
              {w.user.stale}
            </div>
          )}
          <TextInput
            label={w.me.display}
            value={display}
            onChange={(e) => setDisplay(e.currentTarget.value)}
            maxLength={100}
          />
          <TextInput
            label={w.user.email}
            value={email}
            onChange={(e) => setEmail(e.currentTarget.value)}
            type="email"
          />
          <BindingFields value={bindings} onChange={setBindings} />
          {u.via !== "local" && (
            <Checkbox label={w.user.pinned} checked={pinned} onChange={(e) => setPinned(e.currentTarget.checked)} />
          )}
          <div>
            <Button type="submit" variant="filled" disabled={!dirty || bindings.length === 0}>
              {w.user.save}
            </Button>
          </div>
        </form>
      </section>
      {open.length > 0 && (
        <section className="section">
          <div className="section-head">
            <h2>{w.tab.sessions}</h2>
            <span className="grow" />
            <Button
              size="compact-xs"
              onClick={async () => {
                try {
                  const e = await del<Ended>(`${path}/sessions`);
                  say(w.user.endedN(count(e?.n ?? open.length, lang)));
                  void sessions.refetch();
                } catch (err) {
                  say(w.user.end, "error", err instanceof Problem ? err.said(lang) : String(err));
                }
              }}
            >
              {w.user.end}
            </Button>
          </div>
          <SessionTable list={open} path="/sessions" refetch={() => void sessions.refetch()} />
        </section>
      )}
      <section className="section">
        <div className="row wrap">
          {u.via === "local" && (
            <Button
              onClick={async () => {
                try {
                  invited(await post<Invited>(`${path}/invite`));
                } catch (err) {
                  say(w.user.reset, "error", err instanceof Problem ? err.said(lang) : String(err));
                }
              }}
            >
              {w.user.reset}
            </Button>
          )}
          {!self && (
            <Button
              title={w.user.disableDoc}
              onClick={() =>
                void did(w.user.disable, () => patch(path, { disabled: !u.disabled }, { match: etag(path) }))
              }
            >
              {u.disabled ? w.user.enable : w.user.disable}
            </Button>
          )}
          {!self && (
            <Button
              color="red"
              variant={sure ? "filled" : "subtle"}
              onClick={async () => {
                if (!sure) {
                  setSure(true);
                  return;
                }
                try {
                  await del(path);
                  say(w.user.removed(u.name));
                  changed();
                  go(withSearch({ open: undefined }), { replace: true });
                } catch (err) {
                  say(w.user.remove, "error", err instanceof Problem ? err.said(lang) : String(err));
                }
              }}
            >
              {sure ? w.user.removeSure : w.user.remove}
            </Button>
          )}
        </div>
      </section>
    </>
  );
}
