/** One error type for all failed calls, from problem documents (RFC 9457) and from network errors. */

import type { FieldError, Problem } from "@/lib/api/types";

/** The part of a problem document that the page uses. */
type Complaint = Pick<Problem, "status" | "code" | "detail" | "errors">;

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: FieldError[];
  /** Seconds of the `Retry-After` header. */
  readonly retryAfter: number | null;

  constructor(problem: Complaint, retryAfter: number | null = null) {
    super(problem.detail);
    this.name = "ApiError";
    this.status = problem.status;
    this.code = problem.code;
    this.errors = problem.errors ?? [];
    this.retryAfter = retryAfter;
  }

  /** A later retry can succeed. */
  get transient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 425 || this.status === 429 || this.status >= 500;
  }

  /** It is unknown whether the call took effect: there was no response, or only a proxy's. */
  get unanswered(): boolean {
    return this.status === 0 || (this.status >= 500 && this.code === `http.${this.status}`);
  }
}

export function networkError(cause: unknown): ApiError {
  const error = new ApiError({ status: 0, code: "network", detail: "The server can't be reached." });
  error.cause = cause;
  return error;
}

export async function apiErrorOf(response: Response): Promise<ApiError> {
  const said: Partial<Problem> = await response.json().catch(() => ({}));
  const problem: Complaint = {
    status: response.status,
    code: said.code ?? `http.${response.status}`,
    detail: said.detail ?? response.statusText,
    errors: Array.isArray(said.errors) ? said.errors : [],
  };
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new ApiError(problem, Number.isFinite(seconds) ? seconds : null);
}
