/** Calls the server for one open chat: loads its history and branches, sends drafts, follows and stops answers. */

import type * as chatApi from "@/features/chat/api";
import { type ConversationAction, findUnfinished } from "@/features/chat/conversation";
import { type Draft, type KeyedDraft, withKey } from "@/features/chat/draft-request";
import { type Connections, follow, pause } from "@/features/chat/follow";
import { perFrame } from "@/features/chat/per-frame";
import { type Answer, newAnswer } from "@/features/chat/stream";
import { ApiError } from "@/lib/api/problem";
import type { ApprovalDecision, Messages, Rating } from "@/lib/api/types";
import { randomUuid } from "@/lib/uuid";

export interface ConversationEvents {
  /** Creates a chat for the first message and returns its id. */
  createChat: () => Promise<string>;
  /** Called when a draft was accepted, and when its answer has ended. */
  onActivity: (chatId: string) => void;
  /** Called when the first answer of a chat has ended. */
  onBegun: (chatId: string) => void;
}

interface ConversationDriverOptions {
  /** Null for a new chat, which its first message creates. */
  chatId: string | null;
  server: typeof chatApi;
  dispatch: (action: ConversationAction) => void;
  events: ConversationEvents;
  frames?: typeof perFrame;
  wait?: typeof pause;
}

export class ConversationDriver {
  events: ConversationEvents;
  private chatId: string | null;
  private readonly server: typeof chatApi;
  private readonly dispatch: (action: ConversationAction) => void;
  private readonly frames: typeof perFrame;
  private readonly wait: typeof pause;
  private lifetime = new AbortController();
  private run = { id: null as string | null, stopping: false };
  /** Not accepted by the server yet. */
  private unaccepted: KeyedDraft | null = null;
  /** Sends ratings one after the other, so that the last one wins. */
  private ratings = Promise.resolve();

  constructor({ chatId, server, dispatch, events, frames = perFrame, wait = pause }: ConversationDriverOptions) {
    this.chatId = chatId;
    this.server = server;
    this.dispatch = dispatch;
    this.events = events;
    this.frames = frames;
    this.wait = wait;
  }

  /** Loads the chat. Returns a function that stops all reading. */
  open = (): (() => void) => {
    this.lifetime = new AbortController();
    this.load();
    return () => this.lifetime.abort();
  };

  load = (): Promise<void> => this.loadTo(null);

  send = async (draft: Draft): Promise<void> => {
    const { signal } = this.lifetime;
    const { key } = withKey(draft, this.unaccepted, randomUuid);
    this.unaccepted = { draft, key };
    this.run = { id: null, stopping: false };
    this.dispatch({ type: "sent", draft });
    try {
      this.chatId ??= await this.events.createChat();
      const id = this.chatId;
      const answer = await this.watch(() => this.server.postDraft(id, draft, key), newAnswer(), signal);
      // A run whose live log is lost sends its last event only.
      if (!answer.userMessage) await this.load();
    } catch (error) {
      if (!signal.aborted) await this.afterFailure(error);
    }
  };

  /** Shows the branch of a message. */
  show = async (messageId: string): Promise<void> => {
    const { signal } = this.lifetime;
    if (!this.chatId) return;
    this.dispatch({ type: "switch" });
    try {
      await this.server.showBranch(this.chatId, messageId);
    } catch (error) {
      this.dispatch({ type: "complained", error });
      return;
    }
    if (!signal.aborted) await this.loadTo(messageId);
  };

  rate = (messageId: string, from: Rating | null, to: Rating | null): Promise<void> => {
    this.dispatch({ type: "rated", id: messageId, rating: to });
    this.ratings = this.ratings
      .then(() => this.server.rateAnswer(messageId, to))
      .catch((error) => {
        this.dispatch({ type: "rated", id: messageId, rating: from });
        this.dispatch({ type: "complained", error });
      });
    return this.ratings;
  };

  /** Decides about a waiting call. Throws if its arguments are invalid, or if the server can't be reached. */
  decide = async (decision: ApprovalDecision): Promise<void> => {
    const runId = this.run.id;
    if (!runId) return;
    const { call_id: callId } = decision;
    const denied = decision.decision === "deny";
    try {
      this.dispatch({ type: "decided", callId, denied, run: await this.server.answerCall(runId, decision) });
    } catch (error) {
      if (!(error instanceof ApiError && isSettled(error))) throw error;
      this.dispatch({ type: "complained", error });
      this.dispatch({ type: "decided", callId, denied: false, run: await this.server.getRun(runId) });
    }
  };

  /** Cancels the run, or the run of the draft as soon as it is known. */
  stop = (): void => {
    this.run.stopping = true;
    this.cancelIfStopping();
  };

  loadOlder = async (cursor: string | null): Promise<void> => {
    if (!this.chatId || !cursor) return;
    try {
      this.dispatch({ type: "older-loaded", page: await this.server.listMessages(this.chatId, cursor) });
    } catch (error) {
      this.dispatch({ type: "complained", error });
    }
  };

  private async loadTo(messageId: string | null): Promise<void> {
    const { signal } = this.lifetime;
    if (!this.chatId) return;
    this.dispatch({ type: "load" });
    try {
      const page = await this.fetchTo(this.chatId, messageId);
      if (signal.aborted) return;
      this.dispatch({ type: "loaded", page });
      const unfinished = findUnfinished(page.items);
      if (!unfinished) return;
      const answer = newAnswer(unfinished);
      this.dispatch({ type: "written", answer });
      await this.watch(undefined, answer, signal);
    } catch (error) {
      if (!signal.aborted) this.dispatch({ type: "load-failed", error });
    }
  }

  /** The newest messages of the shown branch, with earlier pages up to the given message. */
  private async fetchTo(chatId: string, messageId: string | null): Promise<Messages> {
    let page = await this.server.listMessages(chatId, null);
    while (messageId && page.next_cursor && !page.items.some((each) => each.id === messageId)) {
      const older = await this.server.listMessages(chatId, page.next_cursor);
      page = { ...older, items: [...older.items, ...page.items] };
    }
    return page;
  }

  private async watch(start: Connections["start"], answer: Answer, signal: AbortSignal): Promise<Answer> {
    const { server } = this;
    const frames = this.frames((latest: Answer) => this.dispatch({ type: "written", answer: latest }));
    this.run = { id: answer.run?.id ?? null, stopping: this.run.stopping };
    try {
      const end = await follow({
        connections: {
          start,
          resume: (id, lastEventId) => server.openRunEvents(id, lastEventId, signal),
          look: server.getRun,
        },
        answer,
        signal,
        pause: (failures) => this.wait(failures, signal),
        onConnection: (state) => this.dispatch({ type: "connection", state }),
        onChange: (latest) => {
          this.afterChange(latest);
          frames.push(latest);
        },
      });
      frames.cancel();
      this.dispatch({ type: "ended", answer: end });
      if (this.chatId) this.events.onActivity(this.chatId);
      if (this.chatId && end.userMessage?.parent_id === null) this.events.onBegun(this.chatId);
      return end;
    } finally {
      frames.cancel();
      this.run = { id: null, stopping: false };
    }
  }

  private afterChange({ run }: Answer): void {
    if (run) this.unaccepted = null;
    if (run && !this.run.id && this.chatId) this.events.onActivity(this.chatId);
    this.run.id = run?.id ?? null;
    this.cancelIfStopping();
  }

  private async afterFailure(error: unknown): Promise<void> {
    if (!this.unaccepted) {
      this.dispatch({ type: "lost-sight" });
      return this.load();
    }
    if (!(error instanceof ApiError && error.unanswered)) this.unaccepted = null;
    this.dispatch({ type: "refused", error });
    if (error instanceof ApiError && error.code === "run.active") this.load();
  }

  private cancelIfStopping(): void {
    if (!this.run.id || !this.run.stopping) return;
    this.run.stopping = false;
    this.server.cancelRun(this.run.id).catch((error) => this.dispatch({ type: "complained", error }));
  }
}

/** The call no longer waits: it was decided in another tab, or its approval expired. */
function isSettled(error: ApiError): boolean {
  return error.status === 409 || error.status === 404;
}
