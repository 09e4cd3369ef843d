/**
 * One way to the server: JSON in and out, problem documents as errors.
 *
 *     const { data, etag } = await request<Workflow>("GET", "/api/workflows/42")
 */
import { useOnline } from "@/store/online";

export interface FieldError {
  field: string;
  message: string;
}

/** What the server said no with (RFC 9457). Status 0: nobody answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly body: Record<string, unknown> = {},
  ) {
    super(message);
    this.name = "ApiError";
  }
  get fields(): FieldError[] {
    return (this.body["errors"] as FieldError[] | undefined) ?? [];
  }
  get problems(): unknown[] {
    return (this.body["problems"] as unknown[] | undefined) ?? [];
  }
}

export interface Reply<T> {
  data: T;
  etag: string | null;
}

let csrfToken: string | null = null;
let signedOut: () => void = () => undefined;

export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}
/** What happens when a session has ended while somebody was working. */
export function onSignedOut(action: () => void): void {
  signedOut = action;
}

export interface Options {
  query?: Record<string, string | number | boolean | undefined | null>;
  body?: unknown;
  ifMatch?: string | null | undefined;
  signal?: AbortSignal | undefined;
}

export async function request<T>(method: string, path: string, options: Options = {}): Promise<Reply<T>> {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined && value !== null && value !== "") query.set(key, String(value));
  }
  const headers: Record<string, string> = { accept: "application/json" };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  if (options.ifMatch) headers["if-match"] = options.ifMatch;
  if (csrfToken && method !== "GET") headers["x-csrf-token"] = csrfToken;
  let response: Response;
  try {
    response = await fetch(path + (query.size ? `?${query}` : ""), {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ?? null,
      credentials: "same-origin",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    useOnline.getState().lost();
    throw new ApiError(0, "The server does not answer. Your work is kept in this browser.");
  }
  if (![502, 503, 504].includes(response.status)) useOnline.getState().found();
  const text = await response.text();
  let body: unknown = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    // Not JSON: a proxy's own page, for instance. The status says enough.
  }
  if (!response.ok) {
    if (response.status === 401 && !path.startsWith("/api/auth/")) signedOut();
    const problem = (body ?? {}) as { detail?: string; title?: string; errors?: FieldError[] };
    const first = problem.errors?.[0];
    const message =
      (first ? `${first.field}: ${first.message}` : undefined) ??
      problem.detail ??
      problem.title ??
      `The server answered ${response.status}.`;
    throw new ApiError(response.status, message, (body ?? {}) as Record<string, unknown>);
  }
  return { data: body as T, etag: response.headers.get("etag") };
}

export async function get<T>(path: string, query?: Options["query"], signal?: AbortSignal): Promise<T> {
  return (await request<T>("GET", path, { query: query ?? {}, signal })).data;
}
export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  return (await request<T>("POST", path, { body })).data;
}
export async function patch<T>(path: string, body: unknown, ifMatch?: string | null): Promise<T> {
  return (await request<T>("PATCH", path, { body, ifMatch })).data;
}
export async function del(path: string): Promise<void> {
  await request<null>("DELETE", path);
}
