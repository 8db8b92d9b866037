"use client";

import { ChevronDownIcon, RefreshCwIcon } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { api } from "@/lib/api/client";
import type { Model, Models } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";

const listModels = () => api.get<Models>("/models");

interface OfferedModels {
  /** Null until the list is loaded. */
  models: Model[] | null;
  /** Loads the list again, because administrators change it at any time. */
  look: () => void;
}

export function useModels(): OfferedModels {
  const [models, setModels] = useState<Model[] | null>(null);
  const look = useCallback(() => {
    listModels().then(
      (page) => setModels(page.items),
      () => setModels((known) => known ?? []),
    );
  }, []);
  useEffect(look, [look]);
  return { models, look };
}

interface ModelPickerProps {
  models: Model[] | null;
  chosen: string | null;
  onChoose: (id: string) => void;
  onLook: () => void;
}

export function ModelPicker({ models, chosen, onChoose, onLook }: ModelPickerProps) {
  const { t } = useLocale();
  if (!models) return null;
  if (models.length === 0) {
    return (
      <Button variant="ghost" size="sm" className="rounded-full text-muted-foreground" onClick={onLook}>
        {t("chat.no_models")}
        <RefreshCwIcon aria-label={t("app.retry")} />
      </Button>
    );
  }
  return (
    <DropdownMenu onOpenChange={(open) => open && onLook()}>
      <DropdownMenuTrigger asChild>
        <Button
          variant="ghost"
          size="sm"
          className="min-w-0 max-w-full shrink rounded-full text-muted-foreground"
          aria-label={`${t("chat.model")}: ${chosen ?? ""}`}
          data-testid="model-picker"
        >
          <span className="truncate">{chosen}</span>
          <ChevronDownIcon />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align="start" side="top" className="max-w-80">
        <DropdownMenuRadioGroup value={chosen ?? ""} onValueChange={onChoose}>
          {models.map((model) => (
            <DropdownMenuRadioItem key={model.id} value={model.id} data-testid="model">
              <span className="min-w-0">
                <span className="block truncate">{model.id}</span>
                <span className="block text-muted-foreground text-xs">{model.provider}</span>
              </span>
            </DropdownMenuRadioItem>
          ))}
        </DropdownMenuRadioGroup>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}
