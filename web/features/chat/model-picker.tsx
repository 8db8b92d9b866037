"use client";

import { ChevronDownIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { listModels } from "@/features/chat/api";
import { useLocale } from "@/features/locale/locale";
import type { Model } from "@/lib/api/types";

/** What can answer now; null until the server has said. */
export function useModels(): Model[] | null {
  const [models, setModels] = useState<Model[] | null>(null);
  useEffect(() => {
    listModels().then(
      (page) => setModels(page.items),
      () => setModels([]),
    );
  }, []);
  return models;
}

interface ModelPickerProps {
  models: Model[] | null;
  chosen: string | null;
  onChoose: (id: string) => void;
}

export function ModelPicker({ models, chosen, onChoose }: ModelPickerProps) {
  const { t } = useLocale();
  if (!models) return null;
  if (models.length === 0) return <p className="px-2 text-muted-foreground text-xs">{t("chat.no_models")}</p>;
  return (
    <DropdownMenu>
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
