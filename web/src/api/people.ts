// Who may what: users, sessions, tokens, and how the server is set up.
import type { Scope, User as SessionUser } from "./types";

export type Role = "viewer" | "analyst" | "responder" | "admin";
export const roles: readonly Role[] = ["viewer", "analyst", "responder", "admin"];

export interface Binding {
  role: Role;
  scope?: Scope;
}

export interface User extends Omit<SessionUser, "bindings"> {
  bindings: Binding[];
  subject?: string;
  groups?: string[];
  pinned?: boolean;
  disabled?: boolean;
  created: string;
  signed_in?: string;
}

export interface UserSession {
  id: string;
  user_id: string;
  created: string;
  seen: string;
  expires: string;
  from: string;
  agent: string;
  via: string;
  current: boolean;
}

export interface Token {
  id: string;
  name: string;
  bindings: Binding[];
  certificate?: string;
  created: string;
  created_by: string;
  expires: string;
  used?: string;
  revoked?: string;
}

export interface Invited {
  user: User;
  key: string;
}

export interface Provider {
  name: string;
  kind: "oidc" | "saml";
  label?: string;
  issuer?: string;
  client_id?: string;
  redirect?: string;
  metadata?: string;
  acs?: string;
  entity_id?: string;
  certificate_until?: string;
  roles?: { group?: string; email?: string; role: Role; tenants?: string[]; accounts?: string[]; formats?: string[] }[];
}

export interface Settings {
  file?: string;
  /** The configuration as it holds, in YAML, secrets masked. */
  text?: string;
  providers?: Provider[] | null;
  local?: boolean;
  networks?: string[] | null;
  sessions?: { idle_s?: number; age_s?: number };
}
