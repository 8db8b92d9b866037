/** The shapes of the HTTP API. Everything else imports them from here, so that generated ones can take their place. */

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface FieldError {
  field: string;
  detail: string;
}

/** RFC 9457 problem document. */
export interface Problem {
  status: number;
  code: string;
  detail: string;
  errors?: FieldError[];
  request_id?: string | null;
}

export interface User {
  id: string;
  username: string;
  email: string;
  role: "admin" | "user";
}

export interface SignedIn {
  user: User;
}

/** One browser or device that is signed in. */
export interface Device {
  id: string;
  created_at: string;
  last_seen_at: string;
  user_agent: string;
  address: string;
  current: boolean;
}

export interface Preferences {
  default_model: string | null;
  locale: string | null;
}

export interface Model {
  id: string;
  provider: string;
}

export interface ChatSession {
  id: string;
  /** Empty until it is named. */
  title: string;
  model_name: string | null;
  created_at: string;
  updated_at: string;
}

export type RunStatus = "queued" | "running" | "waiting" | "completed" | "cancelled" | "failed";

export interface RunError {
  code: string;
  detail: string;
}

export interface Run {
  id: string;
  status: RunStatus;
  attempt: number;
  error: RunError | null;
}

export interface Message {
  id: string;
  session_id: string;
  parent_id: string | null;
  siblings: string[];
  role: "system" | "user" | "assistant" | "tool";
  content: string;
  tokens_used: number | null;
  model_used: string | null;
  mcp_tools_used: string[];
  meta_info: Record<string, unknown>;
  created_at: string;
  run: Run | null;
}

/** What a run says while it works, by the event's name. */
export interface RunEvents {
  "run.started": { run: Run; user_message: Message; assistant_message: Message };
  intent: Record<string, unknown>;
  "tool.call": { call_id: string; name: string; arguments: unknown };
  "tool.result": { call_id: string; ok: boolean; preview: string | null; cached: boolean };
  "message.delta": { text: string; at: number };
  "message.reset": { text: string };
  "message.completed": { message: Message };
  "run.cancelled": { message: Message };
  "run.failed": { code: string; detail: string; message: Message };
}
