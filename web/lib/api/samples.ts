/** Messages, runs and events for specs. */

import type { Message, PendingApproval, Run, RunEvent, RunEvents } from "@/lib/api/types";

export const run: Run = {
  id: "run-1",
  session_id: "chat",
  user_message_id: "question",
  message_id: "answer",
  status: "running",
  attempt: 1,
  error: null,
  approvals: [],
  created_at: "2026-01-01T00:00:00Z",
  started_at: "2026-01-01T00:00:00Z",
  finished_at: null,
};

export const userMessage: Message = {
  id: "question",
  session_id: "chat",
  parent_id: null,
  siblings: [],
  role: "user",
  content: "Hello?",
  tokens_used: null,
  model_used: null,
  mcp_tools_used: [],
  meta_info: {},
  created_at: "2026-01-01T00:00:00Z",
  run: null,
};

export const answerMessage: Message = {
  ...userMessage,
  id: "answer",
  parent_id: "question",
  role: "assistant",
  content: "",
};

export const started: RunEvent = {
  type: "run.started",
  run,
  user_message: userMessage,
  assistant_message: answerMessage,
};

export const failed: RunEvent = {
  type: "run.failed",
  code: "provider.timeout",
  detail: "nothing heard",
  message: answerMessage,
};

/** A tool call on an outside server. */
export const called = (call_id: string): Omit<RunEvents["tool.call"], "at"> => ({
  call_id,
  name: "tracker__create_issue",
  title: "Create issue",
  server: "tracker",
  arguments: { title: "Broken" },
});

export const approval = (call_id: string): PendingApproval => ({
  ...called(call_id),
  input_schema: { properties: { title: { type: "string" } } },
  expires_at: "2026-01-02T00:00:00Z",
});
