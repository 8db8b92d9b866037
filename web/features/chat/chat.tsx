"use client";

import { useCallback, useMemo, useState } from "react";
import { Alert } from "@/components/alert";
import { Logo } from "@/components/logo";
import { Button } from "@/components/ui/button";
import { isWaiting } from "@/features/calls/tool-calls";
import { ChatControls, useChatOptions } from "@/features/chat/chat-options";
import { Composer } from "@/features/chat/composer";
import { ratingOf } from "@/features/chat/conversation";
import type { MessageActions } from "@/features/chat/message";
import { Transcript } from "@/features/chat/transcript";
import { useConversation } from "@/features/chat/use-conversation";
import { useModels } from "@/features/models/model-picker";
import { usePreferences } from "@/features/preferences/preferences";
import { openChat } from "@/features/sessions/location";
import { createSession, useSessions } from "@/features/sessions/sessions";
import type { ChatSession, User } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

interface ChatProps {
  user: User;
  /** The id of the open chat. Null means a new chat, which its first message creates. */
  opened: string | null;
  session: ChatSession | undefined;
  onCreated: (id: string) => void;
  onActivity: (id: string) => void;
  /** The first answer of a chat has ended. */
  onBegun: (id: string) => void;
}

export function Chat({ user, opened, session, onCreated, onActivity, onBegun }: ChatProps) {
  const { t } = useLocale();
  const { put } = useSessions();
  const { models, model, choose, look } = useChosenModel(session);

  const control = useChatOptions(session);
  const { tools, instructions, temporary } = control.options;

  const createChat = useCallback(async () => {
    const created = await createSession({ model_name: model, tools, instructions, temporary });
    put(created);
    onCreated(created.id);
    return created.id;
  }, [model, tools, instructions, temporary, put, onCreated]);

  const { conversation, send, show, rate, decide, stop, reload, loadOlder } = useConversation(opened, {
    createChat,
    onActivity,
    onBegun,
  });
  const { phase, messages, draft, switching, answer, error, refused, connection } = conversation;
  const busy = draft !== null || answer !== null;
  const waiting = answer !== null && isWaiting(answer.calls);

  function post(content: string) {
    if (session) put({ ...session, updated_at: new Date().toISOString() });
    send({ kind: "message", content, ...(model && { model }) });
  }

  const actions = useMemo<MessageActions>(() => {
    const chosen = model ? { model } : {};
    return {
      regenerate: ({ id }) => send({ kind: "regenerate", replaces: id, ...chosen }),
      edit: ({ id }, content) => send({ kind: "edit", replaces: id, content, ...chosen }),
      show,
      rate: (message, rating) => rate(message.id, ratingOf(message), rating),
      decide,
    };
  }, [send, show, rate, decide, model]);

  if (phase === "missing" || phase === "failed") {
    return (
      <div className="m-auto grid max-w-sm justify-items-center gap-4 p-6">
        <Alert>{phase === "missing" ? t("error.session.not_found") : describeError(t, error)}</Alert>
        <Button variant="outline" onClick={phase === "missing" ? () => openChat(null) : reload}>
          {t(phase === "missing" ? "sessions.new" : "app.retry")}
        </Button>
      </div>
    );
  }

  const empty = phase === "ready" && messages.length === 0 && draft === null;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      {empty ? (
        <Greeting name={user.username} temporary={temporary} />
      ) : (
        <Transcript conversation={conversation} onOlder={loadOlder} actions={actions} busy={busy || switching} />
      )}
      <div className="mx-auto w-full max-w-3xl px-3 pb-[max(0.75rem,env(safe-area-inset-bottom))] sm:px-6 sm:pb-5">
        {connection === "lost" && (
          <p className="px-2 pb-2 text-muted-foreground text-sm" data-testid="reconnecting">
            {t("chat.reconnecting")}
          </p>
        )}
        {error !== null && <Alert className="mb-2">{describeError(t, error)}</Alert>}
        <p
          role="status"
          className={waiting ? "px-2 pb-2 text-muted-foreground text-sm" : "sr-only"}
          data-testid="answer-status"
        >
          {waiting ? t("chat.waiting") : busy ? t("chat.answering") : messages.length > 0 && t("chat.answered")}
        </p>
        <Composer
          busy={busy}
          refused={refused?.kind === "message" ? refused.content : null}
          onSend={post}
          onStop={stop}
        >
          {(session || opened === null) && (
            <ChatControls
              model={{ models, chosen: model, onChoose: choose, onLook: look }}
              control={control}
              unmade={opened === null}
            />
          )}
        </Composer>
      </div>
      {empty && <div className="hidden sm:block sm:flex-[1.3]" />}
    </div>
  );
}

/** The model of the next message: chosen here, else of the chat, else of the account, else the first one. */
function useChosenModel(session: ChatSession | undefined) {
  const { models, look } = useModels();
  const { defaultModel, change } = usePreferences();
  const [chosen, setChosen] = useState<string | null>(null);
  const model = useMemo(() => {
    const known = (id: string | null | undefined) => (models?.some((each) => each.id === id) ? id : null);
    return chosen ?? known(session?.model_name) ?? known(defaultModel) ?? models?.[0]?.id ?? null;
  }, [models, chosen, session?.model_name, defaultModel]);

  const choose = (id: string) => {
    setChosen(id);
    change({ default_model: id });
  };
  return { models, model, choose, look };
}

function Greeting({ name, temporary }: { name: string; temporary: boolean }) {
  const { t } = useLocale();
  return (
    <div className="flex flex-1 flex-col items-center justify-center px-6 pb-8 text-center sm:justify-end">
      <Logo className="mb-5 size-11" />
      <h1 className="text-balance font-semibold text-2xl tracking-tight">{t("chat.greeting", { name })}</h1>
      <p className="mt-2 text-balance text-muted-foreground text-sm">
        {t(temporary ? "chat.temporary_hint" : "chat.greeting_hint")}
      </p>
    </div>
  );
}
