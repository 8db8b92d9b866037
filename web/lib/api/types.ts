/** The types of the HTTP API, with the names that this page uses. `schema.d.ts` is generated from `docs/openapi.json`. */

import type { RunEvents } from "@/lib/api/run-events";
import type { components } from "@/lib/api/schema";

export type { RunEvents };

type Schemas = components["schemas"];

export type RunEvent = { [Name in keyof RunEvents]: { type: Name } & RunEvents[Name] }[keyof RunEvents];

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
export type Tool = Schemas["Tool"];
export type Tools = Schemas["Tools"];
export type McpServer = Schemas["Server"];
export type McpServers = Schemas["Servers"];
export type NewMcpServer = Partial<Schemas["NewServer"]> & Pick<Schemas["NewServer"], "name">;
export type McpServerChange = Partial<Schemas["ServerChange"]>;
export type Note = Schemas["NoteOut"];
export type Notes = Schemas["NotePage"];
export type Provider = Schemas["ProviderOut"];
export type Providers = Schemas["Providers"];
export type ProviderKind = Schemas["NewProvider"]["kind"];
export type NewProvider = Partial<Schemas["NewProvider"]> & Pick<Schemas["NewProvider"], "name" | "kind">;
export type ProviderChange = Partial<Schemas["ProviderChange"]>;
export type ProviderCheck = Schemas["ProviderCheck"];
export type Alias = Schemas["AliasOut"];
export type Aliases = Schemas["Aliases"];
export type NewAlias = Partial<Schemas["Alias"]> & Pick<Schemas["Alias"], "name" | "targets">;
export type AliasChange = Partial<Schemas["AliasChange"]>;
export type CacheStats = Schemas["CacheStats"];
export type CacheLayer = Schemas["CacheLayer"];
export type CacheHour = Schemas["CacheHour"];
export type CacheHealth = Schemas["CacheHealth"];
export type CacheCleared = Schemas["CacheCleared"];
export type Usage = Schemas["UsageOut"];
export type UsageTotals = Required<Schemas["Totals"]>;
export type BudgetState = Schemas["BudgetState"];
export type Budget = Schemas["BudgetOut"];
export type Budgets = Schemas["Budgets"];
export type NewBudget = Partial<Schemas["NewBudget"]> & Pick<Schemas["NewBudget"], "subject">;
export type BudgetChange = Partial<Schemas["BudgetChange"]>;
export type RunError = Schemas["RunError"];
export type Problem = Schemas["Problem"];
export type FieldError = Schemas["ProblemField"];

/** A tool call in an answer. `server` is `basechat` for BaseChat's own tools. */
export interface CalledTool {
  name: string;
  title: string;
  server: string;
  arguments: Record<string, unknown>;
}

/** An element of `meta_info.tool_calls` of a finished message. */
export interface StoredToolCall extends CalledTool {
  call_id: string;
  status: "proposed" | "approved" | "denied" | "started" | "completed" | "failed" | "unknown";
  preview: string;
  cached: boolean;
  /** Offset in the text, in code points. */
  at: number;
}
