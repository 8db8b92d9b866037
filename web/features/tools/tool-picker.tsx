"use client";

import { ChevronRightIcon, WrenchIcon } from "lucide-react";
import { useEffect, useId, useState } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { Popover, PopoverContent, PopoverTrigger } from "@/components/ui/popover";
import { Switch } from "@/components/ui/switch";
import { serverTitle, toolAbout, toolTitle } from "@/features/calls/tool-names";
import { byServer, isOn, type Selection, type ServerTools, withServer, withTool } from "@/features/tools/selection";
import { ServersDialog } from "@/features/tools/servers-dialog";
import { api } from "@/lib/api/client";
import type { Tool, Tools } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

const listTools = () => api.get<Tools>("/tools");

interface ToolPickerProps {
  selection: Selection;
  onChange: (selection: Selection) => void;
}

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

/** The available tools, loaded again whenever the picker or the dialog opens or closes. */
function useTools(looking: boolean): { tools: Tool[] | null; error: unknown } {
  const [tools, setTools] = useState<Tool[] | null>(null);
  const [error, setError] = useState<unknown>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: servers can change between two openings
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

interface ServerSwitchProps {
  group: ServerTools;
  selection: Selection;
  onServer: (on: boolean) => void;
  onTool: (name: string, on: boolean) => void;
}

/** A server with a switch for all its tools, and one for each tool below. */
function ServerSwitch({ group, selection, onServer, onTool }: ServerSwitchProps) {
  const { t } = useLocale();
  const id = useId();
  const [unfolded, setUnfolded] = useState(false);
  const { server, tools } = group;
  const title = serverTitle(t, server);
  const count = tools.filter((tool) => isOn(selection, tool)).length;

  return (
    <li data-testid="server-tools" data-server={server}>
      <div className="flex items-center gap-1 rounded-md pr-2.5 hover:bg-accent/60">
        <button
          type="button"
          aria-expanded={unfolded}
          aria-controls={id}
          onClick={() => setUnfolded(!unfolded)}
          className="flex min-h-11 min-w-0 flex-1 items-center gap-2 rounded-md px-2 text-left text-sm outline-none focus-visible:ring-[3px] focus-visible:ring-ring/50"
          data-testid="unfold-tools"
        >
          <ChevronRightIcon
            className={cn("size-4 shrink-0 text-muted-foreground transition-transform", unfolded && "rotate-90")}
            aria-hidden="true"
          />
          <span className="truncate font-medium">{title}</span>
          <span className="shrink-0 text-muted-foreground text-xs tabular-nums">
            {t("tools.of", { count, all: tools.length })}
          </span>
        </button>
        <Switch checked={count > 0} onCheckedChange={onServer} aria-label={title} data-testid="switch-server" />
      </div>
      <ul id={id} hidden={!unfolded} className="mb-1.5 ml-8">
        {tools.map((tool) => (
          <li key={tool.name} data-testid="switch-tool-row">
            {/* biome-ignore lint/a11y/noLabelWithoutControl: the switch is a button, which a label may hold */}
            <label className="flex items-start gap-3 rounded-md py-1.5 pr-2.5 pl-1 text-sm hover:bg-accent/60">
              <span className="min-w-0 flex-1">
                <span className="flex items-baseline gap-2">
                  <span className="truncate">{toolTitle(t, tool)}</span>
                  {!tool.read_only && <span className="shrink-0 text-primary text-xs">{t("tools.asks")}</span>}
                </span>
                <span className="line-clamp-2 text-muted-foreground text-xs">{toolAbout(t, tool)}</span>
              </span>
              <Switch
                className="mt-0.5"
                checked={isOn(selection, tool)}
                onCheckedChange={(on) => onTool(tool.name, on)}
                aria-label={toolTitle(t, tool)}
                data-testid="switch-tool"
              />
            </label>
          </li>
        ))}
      </ul>
    </li>
  );
}
