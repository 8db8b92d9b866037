/** The one way to the server: same-origin calls with the session's cookie, JSON in and out, every failure an ApiError. */

import { ApiError, apiErrorOf, networkError } from "@/lib/api/problem";

const TIMEOUT_MS = 30_000;

interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

let onSignedOut: () => void = () => {};

/** Tells who wants to know that the session has ended (401 on any call). */
export function listenForSignOut(listener: () => void): () => void {
  onSignedOut = listener;
  return () => {
    onSignedOut = () => {};
  };
}

/** Sends a request and returns its successful response; the body is the caller's to read. */
export async function send(method: string, path: string, { body, headers, signal }: CallOptions): Promise<Response> {
  const response = await fetch(`/api${path}`, {
    method,
    credentials: "same-origin",
    cache: "no-store",
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  }).catch((cause) => {
    throw signal?.aborted ? cause : networkError(cause);
  });
  if (response.ok) return response;
  const error = await apiErrorOf(response);
  if (error.status === 401 && error.code !== "auth.invalid_credentials") onSignedOut();
  throw error;
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await send(method, path, { body, headers: { Accept: "application/json" }, signal: timeout });
    const text = await response.text();
    return (text ? JSON.parse(text) : undefined) as T;
  } catch (error) {
    throw error instanceof ApiError ? error : networkError(error);
  }
}

export const api = {
  get: <T>(path: string) => call<T>("GET", path),
  post: <T>(path: string, body: unknown = {}) => call<T>("POST", path, body),
  put: (path: string, body: unknown) => call<void>("PUT", path, body),
  patch: <T>(path: string, body: unknown) => call<T>("PATCH", path, body),
  delete: <T = void>(path: string) => call<T>("DELETE", path),
};

/** Writes a query string, leaving out what is not set. */
export function query(parameters: Record<string, string | number | null | undefined>): string {
  const set = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return set.length ? `?${new URLSearchParams(set.map(([key, value]) => [key, String(value)]))}` : "";
}
