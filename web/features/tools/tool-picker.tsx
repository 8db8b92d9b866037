"use client";

import { WrenchIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { Popover, PopoverContent, PopoverTrigger } from "@/components/ui/popover";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import { listTools } from "@/features/tools/api";
import { byServer, isOn, type Selection, withServer, withTool } from "@/features/tools/selection";
import { ServerSwitch } from "@/features/tools/server-switch";
import { ServersDialog } from "@/features/tools/servers-dialog";
import type { Tool } from "@/lib/api/types";

interface ToolPickerProps {
  selection: Selection;
  onChange: (selection: Selection) => void;
}

/** Which tools the assistant may use in this chat. */
export function ToolPicker({ selection, onChange }: ToolPickerProps) {
  const { t } = useLocale();
  const [open, setOpen] = useState(false);
  const [managing, setManaging] = useState(false);
  const { tools, error } = useTools(open || managing);
  const count = tools?.filter((tool) => isOn(selection, tool)).length;

  return (
    <>
      <Popover open={open} onOpenChange={setOpen}>
        <PopoverTrigger asChild>
          <Button
            variant="ghost"
            size="sm"
            className="shrink-0 rounded-full text-muted-foreground"
            aria-label={count === undefined ? t("tools.title") : t("tools.picker", { count })}
            data-testid="tool-picker"
          >
            <WrenchIcon />
            <span className="max-sm:hidden">{t("tools.title")}</span>
            {count !== undefined && <span className="tabular-nums">{count}</span>}
          </Button>
        </PopoverTrigger>
        <PopoverContent
          align="start"
          side="top"
          className="flex w-96 flex-col overflow-hidden p-0"
          data-testid="tool-menu"
        >
          <header className="px-4 pt-3.5 pb-2">
            <h2 className="font-semibold text-sm">{t("tools.in_chat")}</h2>
            <p className="text-muted-foreground text-xs">{t("tools.in_chat_hint")}</p>
          </header>
          {error !== null && <Alert className="mx-3 mb-2">{describeError(t, error)}</Alert>}
          <ul className="min-h-0 overflow-y-auto px-1.5 pb-1.5">
            {byServer(tools ?? []).map((group) => (
              <ServerSwitch
                key={group.server}
                group={group}
                selection={selection}
                onServer={(on) => onChange(withServer(selection, group, on))}
                onTool={(name, on) => onChange(withTool(selection, group, name, on))}
              />
            ))}
          </ul>
          <div className="border-t p-1.5">
            <Button
              variant="ghost"
              size="sm"
              className="w-full justify-start px-2.5 text-muted-foreground"
              onClick={() => {
                setOpen(false);
                setManaging(true);
              }}
              data-testid="manage-servers"
            >
              {t("tools.manage")}
            </Button>
          </div>
        </PopoverContent>
      </Popover>
      {managing && <ServersDialog onClose={() => setManaging(false)} />}
    </>
  );
}

/** What can be switched on, asked for anew whenever it is looked at. */
function useTools(looking: boolean): { tools: Tool[] | null; error: unknown } {
  const [tools, setTools] = useState<Tool[] | null>(null);
  const [error, setError] = useState<unknown>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: servers may have come or gone since the last look
  useEffect(() => {
    let wanted = true;
    listTools().then(
      (page) => {
        if (!wanted) return;
        setTools(page.items);
        setError(null);
      },
      (failure) => wanted && setError(failure),
    );
    return () => {
      wanted = false;
    };
  }, [looking]);

  return { tools, error };
}
