import { api, query, send } from "@/lib/api/client";
import type { Messages, Models, NewMessage, Run } from "@/lib/api/types";

const PAGE = 50;

export type Draft = Pick<NewMessage, "content" | "model">;

export const listMessages = (chatId: string, before: string | null) =>
  api.get<Messages>(`/sessions/${chatId}/messages${query({ limit: PAGE, before })}`);

export const listModels = () => api.get<Models>("/models");

export const cancelRun = (runId: string) => api.post<Run>(`/runs/${runId}/cancel`);

/** Offers a message and opens the events of the run that answers it; the same key never starts a second run. */
export const postMessage = (chatId: string, draft: Draft, key: string) =>
  send("POST", `/sessions/${chatId}/messages`, {
    body: draft,
    headers: { Accept: "text/event-stream", "Idempotency-Key": key },
  });

/** Opens a run's events behind the given one, or from the first. */
export const openRunEvents = (runId: string, lastEventId: string | null, signal: AbortSignal) =>
  send("GET", `/runs/${runId}/events`, {
    headers: { Accept: "text/event-stream", ...(lastEventId && { "Last-Event-ID": lastEventId }) },
    signal,
  });
