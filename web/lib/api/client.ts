/** The client of the API: JSON calls with the session cookie. Every failure is an `ApiError`. */

import { ApiError, apiErrorOf, networkError } from "@/lib/api/problem";

const TIMEOUT_MS = 30_000;

interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

let onSignedOut: () => void = () => {};

/** Calls `listener` on any 401, when the session has ended. */
export function listenForSignOut(listener: () => void): () => void {
  onSignedOut = listener;
  return () => {
    onSignedOut = () => {};
  };
}

/** Sends a request. Returns a successful response, with its body unread. */
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

/** A query string without the parameters that are null or undefined. */
export function query(parameters: Record<string, string | number | null | undefined>): string {
  const set = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return set.length ? `?${new URLSearchParams(set.map(([key, value]) => [key, String(value)]))}` : "";
}
