// The types of the API, and what the console adds to them. Those of schema.ts are made from
// the description of the API: a field that it does not have does not compile.
import type { IssueList, Role, SessionPage, Severity } from "./schema";

export type * from "./schema";

export const severities: readonly Severity[] = ["critical", "high", "medium", "low", "none"];
export const roles: readonly Role[] = ["viewer", "analyst", "responder", "admin"];

/** Page is one page of any list. */
export type Page<T> = Omit<IssueList, "items"> & { items: T[] };

/** Reader is the session of somebody who signed in with a browser: never that of a token. */
export type Reader = SessionPage & Required<Pick<SessionPage, "user" | "csrf">>;
