// The one way to the API: JSON, problems as errors, the CSRF token on writes, ETags on single
// things. What was read with an ETag is written with it, so nobody overwrites what they have
// not seen.
import { getPrefs } from "../app/prefs";
import type { Problem as Details, Operations } from "./types";

export const base = "/api/v1";

/** Problem is an answer of the server that is not what was asked for. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly details?: Details,
  ) {
    super(detail);
    this.name = "Problem";
  }

  /** said is what went wrong, in the reader's language where the server has it. */
  said(lang: "en" | "ja"): string {
    return (lang === "ja" && this.details?.detail_ja) || this.message;
  }
}

let csrf = "";
let unauthenticated: () => void = () => {};

/** setCSRF keeps the token that GET /session answered. */
export function setCSRF(token: string) {
  csrf = token;
}

/** onUnauthenticated says what to do when the session is over. */
export function onUnauthenticated(f: () => void) {
  unauthenticated = f;
}

const etags = new Map<string, string>();

/** etag returns the ETag of a thing as it was read last. */
export function etag(path: string): string | undefined {
  return etags.get(path);
}

export interface Call {
  method?: string;
  body?: unknown;
  signal?: AbortSignal;
  /** The request outlives the page. */
  keepalive?: boolean;
  /** The ETag that the thing must still have. */
  match?: string;
  /** A 401 is an answer like others: of the sign-in itself. */
  quiet?: boolean;
  headers?: Record<string, string>;
}

/** request makes one call and returns the response when it is a good one. */
export async function request(path: string, call: Call = {}): Promise<Response> {
  const method = call.method ?? "GET";
  const headers: Record<string, string> = { Accept: "application/json", ...call.headers };
  if (call.body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
  if (call.match) headers["If-Match"] = call.match;
  let res: Response;
  try {
    res = await fetch(`${base + path + (path.includes("?") ? "&" : "?")}lang=${getPrefs().lang}`, {
      method,
      headers,
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
      signal: call.signal,
      keepalive: call.keepalive,
      credentials: "same-origin",
    });
  } catch (err) {
    if (err instanceof DOMException && err.name === "AbortError") throw err;
    throw new Problem(0, "unreachable", "The server does not answer");
  }
  if (res.ok || res.status === 304) return res;
  let d: Details | undefined;
  if (res.headers.get("Content-Type")?.includes("json")) d = await res.json().catch(() => undefined);
  if (res.status === 401 && !call.quiet) unauthenticated();
  throw new Problem(
    res.status,
    d?.code ?? "internal",
    d?.detail || d?.title || res.statusText || `HTTP ${res.status}`,
    d,
  );
}

/** api makes one call and returns its JSON, or undefined where the answer has no body. */
export async function api<T>(path: string, call: Call = {}): Promise<T> {
  const res = await request(path, call);
  const tag = res.headers.get("ETag");
  if (tag) etags.set(path, tag);
  if (res.status === 204 || res.headers.get("Content-Length") === "0") return undefined as T;
  return (await res.json()) as T;
}

/**
 * Body is what the operations of a method take: what none of them knows does not compile.
 */
type Body<M> = {
  [K in keyof Operations]: Operations[K]["method"] extends M ? Exclude<Operations[K]["body"], undefined> : never;
}[keyof Operations];

export const get = <T>(path: string, signal?: AbortSignal) => api<T>(path, { signal });
export const post = <T>(path: string, body?: Body<"POST">, call: Call = {}) =>
  api<T>(path, { ...call, method: "POST", body: body ?? {} });
export const put = <T>(path: string, body?: Body<"PUT">, call: Call = {}) =>
  api<T>(path, { ...call, method: "PUT", body: body ?? {} });
export const patch = <T>(path: string, body: Body<"PATCH">, call: Call = {}) =>
  api<T>(path, { ...call, method: "PATCH", body });
export const del = <T>(path: string, call: Call = {}) => api<T>(path, { ...call, method: "DELETE" });

/** query writes the query part of an address; what is empty is left out. */
export function query(params: Record<string, string | number | boolean | undefined | null>): string {
  const p = new URLSearchParams();
  for (const [k, v] of Object.entries(params))
    if (v !== undefined && v !== null && v !== "" && v !== false) p.set(k, v === true ? "1" : String(v));
  const s = p.toString();
  return s ? `?${s}` : "";
}
