/** Every failed call as one kind of error, built from the server's problem+json or from the network's silence. */

import type { FieldError, Problem } from "@/lib/api/types";

/** The part of a problem that the page goes by. */
type Complaint = Pick<Problem, "status" | "code" | "detail" | "errors">;

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: FieldError[];
  /** Seconds after which to ask again, where the server said so. */
  readonly retryAfter: number | null;

  constructor(problem: Complaint, retryAfter: number | null = null) {
    super(problem.detail);
    this.name = "ApiError";
    this.status = problem.status;
    this.code = problem.code;
    this.errors = problem.errors ?? [];
    this.retryAfter = retryAfter;
  }

  /** True where asking again later may help. */
  get transient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 425 || this.status === 429 || this.status >= 500;
  }

  /** True where it is unknown whether the call has taken effect: nobody answered, or only a proxy did. */
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
