import { useQuery } from "@tanstack/react-query";
import { get, Problem } from "../../api/client";
import type { Settings, SignInProvider } from "../../api/types";
import { useLang } from "../../app/prefs";
import { useWords } from "../../i18n/words";
import { CopyButton } from "../../ui/Copy";
import { EmptyState } from "../../ui/EmptyState";
import { duration } from "../../ui/format";
import { Hostile } from "../../ui/Hostile";
import { StateMark } from "../../ui/StateMark";
import { Time } from "../../ui/Time";
import { BindingTags } from "./Bindings";
import { Block } from "./Me";
import { w as catalogue } from "./words";

/** useSettings reads the configuration as it holds. */
export function useSettings() {
  return useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => get<Settings>("/settings", signal),
    staleTime: 60_000,
    retry: false,
  });
}

/** Providers are how people sign in: the configuration says it, this page shows it. */
export function Providers() {
  const w = useWords(catalogue);
  const lang = useLang();
  const r = useSettings();
  const s = r.data;
  if (!s)
    return r.error ? (
      <EmptyState title={w.tab.providers} doc={r.error instanceof Problem ? r.error.said(lang) : r.error.message} />
    ) : (
      <div className="page-body" aria-busy="true" />
    );
  const providers = s.providers ?? [];
  return (
    <div className="page-body settings">
      <Block title={w.provider.title} doc={w.provider.readOnly}>
        <dl className="facts">
          <dt>{w.provider.local}</dt>
          <dd>
            <StateMark
              state={s.local === false ? "off" : "ok"}
              word={s.local === false ? w.provider.off : w.provider.on}
            />
          </dd>
          {s.sessions?.idle_s ? (
            <>
              <dt>{w.provider.idle}</dt>
              <dd>{duration(s.sessions.idle_s, lang)}</dd>
            </>
          ) : null}
          {s.sessions?.age_s ? (
            <>
              <dt>{w.provider.age}</dt>
              <dd>{duration(s.sessions.age_s, lang)}</dd>
            </>
          ) : null}
          <dt>{w.provider.networks}</dt>
          <dd className="mono">
            {(s.networks ?? []).join(", ") || <span className="dim">{w.provider.anywhere}</span>}
          </dd>
        </dl>
      </Block>
      {providers.map((p) => (
        <One key={p.name} p={p} />
      ))}
      {providers.length === 0 && (
        <EmptyState
          title={w.provider.none}
          doc={w.provider.noneDoc}
          steps={[
            { title: "OpenID Connect", code: oidc },
            { title: "SAML 2.0", code: saml },
          ]}
        />
      )}
    </div>
  );
}

const oidc = `console:
  oidc:
    - name: entra
      label: Entra ID
      issuer: https://login.microsoftonline.com/TENANT/v2.0
      client_id: CLIENT_ID
      client_secret: ref+env://OIDC_SECRET
      roles:
        - {group: security-admins, role: admin}
        - {group: security, role: responder}`;

const saml = `console:
  saml:
    - name: okta
      label: Okta
      metadata: https://example.okta.com/app/APP/sso/saml/metadata
      roles:
        - {group: security, role: responder}`;

function One({ p }: { p: SignInProvider }) {
  const w = useWords(catalogue);
  const copied = (label: string, value?: string) =>
    value && (
      <>
        <dt>{label}</dt>
        <dd className="row">
          <span className="mono cut">
            <Hostile text={value} />
          </span>
          <CopyButton text={value} />
        </dd>
      </>
    );
  return (
    <Block title={<Hostile text={p.label || p.name} />} doc={p.kind === "oidc" ? "OpenID Connect" : "SAML 2.0"}>
      <dl className="facts facts-middle">
        {copied(w.provider.metadata, p.metadata)}
        {copied(w.provider.acs, p.acs)}
        {copied(w.provider.entity, p.entity_id)}
        {copied(w.provider.redirect, p.redirect)}
        {copied(w.provider.issuer, p.issuer)}
        {copied(w.provider.client, p.client_id)}
        {p.certificate_until && (
          <>
            <dt>{w.provider.certificate}</dt>
            <dd>
              <Time at={p.certificate_until} mode="exact" />
            </dd>
          </>
        )}
      </dl>
      {(p.roles ?? []).length > 0 && (
        <table className="table set-table">
          <thead>
            <tr>
              <th>{w.provider.group}</th>
              <th>{w.binding.role}</th>
            </tr>
          </thead>
          <tbody>
            {p.roles!.map((m, i) => (
              <tr key={i}>
                <td>
                  <Hostile text={m.group === "*" ? w.provider.everybody : m.group || m.email || ""} />
                </td>
                <td>
                  <BindingTags
                    bindings={[
                      { role: m.role, scope: { tenants: m.tenants, accounts: m.accounts, formats: m.formats } },
                    ]}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Block>
  );
}
