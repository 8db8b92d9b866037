/** The shapes of the HTTP API, by the names this page uses; `schema.d.ts` is made from the server's own document. */

import type { components } from "@/lib/api/schema";

type Schemas = components["schemas"];

export type User = Schemas["UserOut"];
export type Registration = Schemas["Registration"];
export type Login = Schemas["Login"];
export type PasswordChange = Schemas["PasswordChange"];
export type SignedIn = Schemas["SignedIn"];
export type Device = Schemas["Device"];
export type Devices = Schemas["Devices"];
export type Preferences = Schemas["Preferences"];
export type Model = Schemas["Model"];
export type Models = Schemas["Models"];
export type ChatSession = Schemas["Chat"];
export type ChatSessions = Schemas["Chats"];
export type NewChatSession = Partial<Schemas["NewChat"]>;
export type ChatSessionChange = Partial<Schemas["ChatChange"]>;
export type Message = Schemas["Message"];
export type Messages = Schemas["Messages"];
export type Run = Schemas["Run"];
export type RunStatus = Run["status"];
export type PendingApproval = Schemas["PendingApproval"];
export type ApprovalDecision = Schemas["ApprovalDecision"];
export type Rating = NonNullable<Schemas["Feedback"]["rating"]>;
export type RunError = Schemas["RunError"];
export type Problem = Schemas["Problem"];
export type FieldError = Schemas["ProblemField"];

/** A tool as an answer calls it; `server` is `basechat` for the server's own. */
export interface CalledTool {
  name: string;
  title: string;
  server: string;
  arguments: Record<string, unknown>;
}

/** An element of a finished message's `meta_info.tool_calls`. */
export interface StoredToolCall extends CalledTool {
  call_id: string;
  status: "proposed" | "approved" | "denied" | "started" | "completed" | "failed" | "unknown";
  preview: string;
  cached: boolean;
  /** Offset in the text, in code points. */
  at: number;
}

/** What a run says while it works, by the event's name: an event stream is beyond what the document describes. */
export interface RunEvents {
  "run.started": Schemas["Accepted"];
  intent: { language: string; recall: boolean; tools: string[] };
  "tool.call": CalledTool & { call_id: string; at: number };
  "tool.approval": PendingApproval;
  "tool.result": { call_id: string; ok: boolean; preview: string; cached: boolean };
  "message.delta": { text: string; at: number };
  "message.reset": { text: string };
  "message.completed": { message: Message };
  "run.cancelled": { message: Message };
  "run.failed": { code: string; detail: string; message: Message };
}

/** A tool that may be switched on. */
export interface Tool {
  name: string;
  title: string;
  description: string;
  server: string;
  read_only: boolean;
}

/** An outside MCP server that a person added. */
export interface McpServer {
  id: string;
  name: string;
  url: string | null;
  command: string | null;
  header_names: string[];
  is_enabled: boolean;
  tools: Omit<Tool, "server">[];
  error: string | null;
}

/** What leads to a server; `headers` are never shown again, and replaced as a whole. */
export interface McpServerPlace {
  name: string;
  url: string;
  headers: Record<string, string>;
}

/** Something that the assistant remembers. */
export interface Note {
  id: string;
  content: string;
  created_at: string;
  updated_at: string;
}

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}
