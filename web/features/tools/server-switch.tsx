"use client";

import { ChevronRightIcon } from "lucide-react";
import { useId, useState } from "react";
import { Switch } from "@/components/ui/switch";
import { serverTitle, toolAbout, toolTitle } from "@/features/calls/names";
import { useLocale } from "@/features/locale/locale";
import { isOn, type Selection, type ServerTools } from "@/features/tools/selection";
import { cn } from "@/lib/cn";

interface ServerSwitchProps {
  group: ServerTools;
  selection: Selection;
  onServer: (on: boolean) => void;
  onTool: (name: string, on: boolean) => void;
}

/** A server with a switch for all of its tools, and below it, unfolded, one for each. */
export function ServerSwitch({ group, selection, onServer, onTool }: ServerSwitchProps) {
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
