"use client";

import { PencilIcon } from "lucide-react";
import { memo, useState } from "react";
import { Button } from "@/components/ui/button";
import { MessageArea } from "@/features/chat/composer";
import { IconButton } from "@/features/chat/icon-buttons";
import type { MessageActions } from "@/features/chat/message";
import { SiblingSwitch } from "@/features/chat/sibling-switch";
import type { Message } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useLocale } from "@/lib/locale/locale";

interface UserMessageProps {
  message: Message;
  actions: MessageActions;
  /** Buttons that start a run are disabled. */
  busy: boolean;
  /** An edit that the server rejected. */
  refused?: string;
}

export const UserMessage = memo(function UserMessage({ message, actions, busy, refused }: UserMessageProps) {
  const { t } = useLocale();
  const [editing, setEditing] = useState(refused !== undefined);
  const [left, setLeft] = useState(false);

  if (editing) {
    return (
      <MessageEditor
        text={refused ?? message.content}
        busy={busy}
        onSave={(text) => {
          setEditing(false);
          actions.edit(message, text);
        }}
        onCancel={() => {
          setEditing(false);
          setLeft(true);
        }}
      />
    );
  }
  return (
    <article
      aria-label={t("chat.you")}
      className="group flex flex-col items-end"
      data-testid="message-user"
      data-message-id={message.id}
    >
      <div className="flex w-full items-end justify-end gap-1">
        <IconButton
          label={t("chat.edit")}
          className="mb-2 opacity-0 focus-visible:opacity-100 disabled:opacity-0 group-hover:opacity-100 group-hover:disabled:opacity-0 [@media(hover:none)]:opacity-100 [@media(hover:none)]:disabled:opacity-40"
          disabled={busy}
          autoFocus={left}
          onClick={() => setEditing(true)}
          data-testid="edit"
        >
          <PencilIcon />
        </IconButton>
        <Bubble text={message.content} />
      </div>
      <div className="mt-1 -mb-4 empty:hidden">
        <SiblingSwitch message={message} disabled={busy} onShow={actions.show} />
      </div>
    </article>
  );
});

/** The message of a draft. */
export function DraftMessage({ text }: { text: string }) {
  const { t } = useLocale();
  return (
    <article aria-label={t("chat.you")} className="flex justify-end opacity-70" data-testid="message-user">
      <Bubble text={text} />
    </article>
  );
}

const bubble = "rounded-2xl rounded-br-md bg-bubble text-[0.9688rem] leading-relaxed";

function Bubble({ text }: { text: string }) {
  return <div className={cn("min-w-0 max-w-[85%] whitespace-pre-wrap px-4 py-2.5", bubble)}>{text}</div>;
}

interface MessageEditorProps {
  text: string;
  busy: boolean;
  onSave: (text: string) => void;
  onCancel: () => void;
}

function MessageEditor({ text, busy, onSave, onCancel }: MessageEditorProps) {
  const { t } = useLocale();
  const [edited, setEdited] = useState(text);
  const savable = !busy && edited.trim() !== "";

  function save() {
    if (savable) onSave(edited.trim());
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
      className={cn("ml-auto w-full max-w-[85%] ring-[3px] ring-ring/25", bubble)}
    >
      <MessageArea
        value={edited}
        onChange={setEdited}
        onEnter={save}
        onEscape={onCancel}
        aria-label={t("chat.edited")}
        aria-description={t("chat.keys")}
        autoFocus
        onFocus={({ target }) => target.setSelectionRange(target.value.length, target.value.length)}
        className="pt-2.5"
        data-testid="edit-text"
      />
      <div className="flex justify-end gap-2 p-2">
        <Button
          variant="ghost"
          size="sm"
          className="hover:bg-background/60"
          onClick={onCancel}
          data-testid="edit-cancel"
        >
          {t("app.cancel")}
        </Button>
        <Button type="submit" size="sm" disabled={!savable} data-testid="edit-save">
          {t("app.save")}
        </Button>
      </div>
    </form>
  );
}
