"use client";

import { GhostIcon, NotebookPenIcon } from "lucide-react";
import { type ComponentProps, useCallback, useRef, useState } from "react";
import { useNotify } from "@/components/notices";
import { Button } from "@/components/ui/button";
import { ModelPicker } from "@/features/models/model-picker";
import { InstructionsDialog } from "@/features/preferences/instructions";
import { changeSession, useSessions } from "@/features/sessions/sessions";
import { ToolPicker } from "@/features/tools/tool-picker";
import type { ChatSession } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

interface ChatControlsProps {
  model: ComponentProps<typeof ModelPicker>;
  control: ChatOptionsControl;
  /** The chat does not exist yet. Only then can it become temporary. */
  unmade: boolean;
}

/** The model, the tools and the instructions of a chat. */
export function ChatControls({ model, control, unmade }: ChatControlsProps) {
  const { t } = useLocale();
  const [instructing, setInstructing] = useState(false);
  const { options, setTools, setInstructions, setTemporary } = control;
  return (
    <div className="flex min-w-0 items-center gap-0.5">
      <ModelPicker {...model} />
      <ToolPicker selection={options.tools} onChange={setTools} />
      <Toggle
        label={t("instructions.chat")}
        pressed={options.instructions !== null}
        onClick={() => setInstructing(true)}
        data-testid="chat-instructions"
      >
        <NotebookPenIcon />
      </Toggle>
      {unmade && (
        <Toggle
          label={t("chat.temporary")}
          pressed={options.temporary}
          onClick={() => setTemporary(!options.temporary)}
          data-testid="temporary"
        >
          <GhostIcon />
        </Toggle>
      )}
      {instructing && (
        <InstructionsDialog
          title={t("instructions.chat")}
          hint={t("instructions.chat_hint")}
          instructions={options.instructions}
          onSave={setInstructions}
          onClose={() => setInstructing(false)}
        />
      )}
    </div>
  );
}

interface ToggleProps extends ComponentProps<typeof Button> {
  label: string;
  pressed: boolean;
}

function Toggle({ label, pressed, ...props }: ToggleProps) {
  return (
    <Button
      variant="ghost"
      size="icon-sm"
      className={cn("rounded-full text-muted-foreground", pressed && "bg-primary/12 text-primary hover:text-primary")}
      aria-label={label}
      aria-pressed={pressed}
      title={label}
      {...props}
    />
  );
}

type ChatOptions = Pick<ChatSession, "tools" | "instructions" | "temporary">;

interface ChatOptionsControl {
  options: ChatOptions;
  /** Applies at once, and is undone if the server rejects it. */
  setTools: (tools: string[] | null) => void;
  setInstructions: (instructions: string | null) => Promise<void>;
  /** Only for a chat that does not exist yet. */
  setTemporary: (temporary: boolean) => void;
}

const none: ChatOptions = { tools: null, instructions: null, temporary: false };

export function useChatOptions(session: ChatSession | undefined): ChatOptionsControl {
  const { t } = useLocale();
  const { put } = useSessions();
  const notify = useNotify();
  const [draft, setDraft] = useState(none);
  /** Sends changes one after the other, so that the last one wins. */
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
