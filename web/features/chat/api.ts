import { type Draft, requestOf } from "@/features/chat/draft-request";
import { api, query, send } from "@/lib/api/client";
import type { ApprovalDecision, ChatSession, Messages, Rating, Run } from "@/lib/api/types";

const PAGE = 50;

export const listMessages = (chatId: string, before: string | null) =>
  api.get<Messages>(`/sessions/${chatId}/messages${query({ limit: PAGE, before })}`);

export const getRun = (runId: string) => api.get<Run>(`/runs/${runId}`);
export const answerCall = (runId: string, decision: ApprovalDecision) =>
  api.post<Run>(`/runs/${runId}/approvals`, decision);

export const cancelRun = (runId: string) => api.post<Run>(`/runs/${runId}/cancel`);

/** Shows the branch of a message, down to its newest leaf. */
export const showBranch = (chatId: string, messageId: string) =>
  api.patch<ChatSession>(`/sessions/${chatId}`, { active_leaf_id: messageId });

export const rateAnswer = (messageId: string, rating: Rating | null) =>
  api.put(`/messages/${messageId}/feedback`, { rating });

/** Sends a draft and opens the events of its run. A repeated key never starts a second run. */
export function postDraft(chatId: string, draft: Draft, key: string): Promise<Response> {
  const { path, body } = requestOf(chatId, draft);
  return send("POST", path, { body, headers: { Accept: "text/event-stream", "Idempotency-Key": key } });
}

/** Opens the events of a run after `lastEventId`, or from the first one. */
export const openRunEvents = (runId: string, lastEventId: string | null, signal: AbortSignal) =>
  send("GET", `/runs/${runId}/events`, {
    headers: { Accept: "text/event-stream", ...(lastEventId && { "Last-Event-ID": lastEventId }) },
    signal,
  });
