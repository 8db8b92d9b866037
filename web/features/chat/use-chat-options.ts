"use client";

/** What a chat goes by: its tools, its instructions, whether it is temporary. Kept here until the chat is made. */

import { useCallback, useRef, useState } from "react";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import { useNotify } from "@/features/notices/notices";
import { changeSession } from "@/features/sessions/api";
import { useSessions } from "@/features/sessions/sessions";
import type { ChatSession } from "@/lib/api/types";

export type ChatOptions = Pick<ChatSession, "tools" | "instructions" | "temporary">;

export interface ChatOptionsControl {
  options: ChatOptions;
  /** Takes effect at once, and is taken back where the server does not take it. */
  setTools: (tools: string[] | null) => void;
  setInstructions: (instructions: string | null) => Promise<void>;
  /** Only for a chat that is not made yet. */
  setTemporary: (temporary: boolean) => void;
}

const none: ChatOptions = { tools: null, instructions: null, temporary: false };

export function useChatOptions(session: ChatSession | undefined): ChatOptionsControl {
  const { t } = useLocale();
  const { put } = useSessions();
  const notify = useNotify();
  const [draft, setDraft] = useState(none);
  /** Changes are told one after the other, so that the last one counts. */
  const told = useRef(Promise.resolve());
  const latest = useRef(0);

  const setTools = useCallback(
    (tools: string[] | null) => {
      if (!session) return setDraft((before) => ({ ...before, tools }));
      latest.current += 1;
      const number = latest.current;
      put({ ...session, tools });
      told.current = told.current
        .then(() => changeSession(session.id, { tools }))
        .then((stored) => {
          if (number === latest.current) put(stored);
        })
        .catch((error) => {
          put(session);
          notify({ text: describeError(t, error) });
        });
    },
    [session, put, notify, t],
  );

  const setInstructions = useCallback(
    async (instructions: string | null) => {
      if (session) put(await changeSession(session.id, { instructions }));
      else setDraft((before) => ({ ...before, instructions }));
    },
    [session, put],
  );

  const setTemporary = useCallback((temporary: boolean) => setDraft((before) => ({ ...before, temporary })), []);

  return { options: session ?? draft, setTools, setInstructions, setTemporary };
}
