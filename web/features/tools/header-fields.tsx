"use client";

import { PlusIcon, XIcon } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { useLocale } from "@/features/locale/locale";
import { randomUuid } from "@/lib/uuid";

export interface Header {
  key: string;
  name: string;
  value: string;
}

/** The headers that have a name, as the server takes them. */
export function headersOf(headers: Header[]): Record<string, string> {
  return Object.fromEntries(headers.filter(({ name }) => name.trim()).map(({ name, value }) => [name.trim(), value]));
}

interface HeaderFieldsProps {
  /** Names of those that are kept unless others are written. */
  stored: string[];
  headers: Header[];
  onChange: (headers: Header[]) => void;
}

/** What is sent along with every request, mostly to sign in; the first one is expected to be just that. */
export function HeaderFields({ stored, headers, onChange }: HeaderFieldsProps) {
  const { t } = useLocale();

  function add() {
    onChange([...headers, { key: randomUuid(), name: headers.length ? "" : "Authorization", value: "" }]);
  }

  function change(key: string, said: Partial<Header>) {
    onChange(headers.map((each) => (each.key === key ? { ...each, ...said } : each)));
  }

  return (
    <fieldset className="grid gap-2">
      <legend className="mb-2 font-medium text-sm leading-none">{t("servers.headers")}</legend>
      {headers.map(({ key, name, value }) => (
        <div key={key} className="flex items-center gap-2">
          <Input
            aria-label={t("servers.header_name")}
            placeholder={t("servers.header_name")}
            autoComplete="off"
            spellCheck={false}
            className="max-w-[38%]"
            value={name}
            onChange={(event) => change(key, { name: event.target.value })}
            data-testid="header-name"
          />
          <Input
            aria-label={t("servers.header_value")}
            placeholder="Bearer …"
            type="password"
            autoComplete="off"
            value={value}
            onChange={(event) => change(key, { value: event.target.value })}
            data-testid="header-value"
          />
          <Button
            variant="ghost"
            size="icon-sm"
            aria-label={t("servers.header_remove")}
            onClick={() => onChange(headers.filter((each) => each.key !== key))}
          >
            <XIcon />
          </Button>
        </div>
      ))}
      <p className="text-muted-foreground text-xs">
        {stored.length ? t("servers.headers_kept", { names: stored.join(", ") }) : t("servers.headers_hint")}
      </p>
      <Button variant="ghost" size="sm" className="-ml-3 justify-self-start" onClick={add} data-testid="add-header">
        <PlusIcon />
        {t("servers.header_add")}
      </Button>
    </fieldset>
  );
}
