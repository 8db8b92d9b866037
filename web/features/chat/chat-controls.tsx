"use client";

import { GhostIcon, NotebookPenIcon } from "lucide-react";
import { type ComponentProps, useState } from "react";
import { Button } from "@/components/ui/button";
import { ModelPicker } from "@/features/chat/model-picker";
import type { ChatOptionsControl } from "@/features/chat/use-chat-options";
import { InstructionsDialog } from "@/features/instructions/instructions-dialog";
import { useLocale } from "@/features/locale/locale";
import { ToolPicker } from "@/features/tools/tool-picker";
import { cn } from "@/lib/cn";

interface ChatControlsProps {
  model: ComponentProps<typeof ModelPicker>;
  control: ChatOptionsControl;
  /** The chat is made with its first message; what it is cannot be changed later. */
  unmade: boolean;
}

/** Below the message: who answers, with which tools, and how. */
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
