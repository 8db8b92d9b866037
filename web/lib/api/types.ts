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
export type Rating = NonNullable<Schemas["Feedback"]["rating"]>;
export type RunError = Schemas["RunError"];
export type Problem = Schemas["Problem"];
export type FieldError = Schemas["ProblemField"];

/** What a run says while it works, by the event's name: an event stream is beyond what the document describes. */
export interface RunEvents {
  "run.started": Schemas["Accepted"];
  intent: { language: string; recall: boolean; tools: string[] };
  "tool.call": { call_id: string; name: string; arguments: unknown };
  "tool.result": { call_id: string; ok: boolean; preview: string | null; cached: boolean };
  "message.delta": { text: string; at: number };
  "message.reset": { text: string };
  "message.completed": { message: Message };
  "run.cancelled": { message: Message };
  "run.failed": { code: string; detail: string; message: Message };
}
