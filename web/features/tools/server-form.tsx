"use client";

import { PlusIcon, XIcon } from "lucide-react";
import { useState } from "react";
import { Field, FormFrame } from "@/components/form";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import type { McpServer } from "@/lib/api/types";
import { formErrors, missingFields, type Rules, useSubmission } from "@/lib/forms";
import { useLocale } from "@/lib/locale/locale";
import { randomUuid } from "@/lib/uuid";

const rules: Rules = { name: "servers.name_rule", url: "servers.url_rule" };

interface Place {
  name: string;
  url: string;
  /** Undefined keeps the stored headers. */
  headers?: Record<string, string>;
}

interface ServerFormProps {
  /** The server to change. Undefined for a new one. */
  server?: McpServer;
  onSave: (place: Place) => Promise<void>;
  onCancel: () => void;
}

export function ServerForm({ server, onSave, onCancel }: ServerFormProps) {
  const { t } = useLocale();
  const [values, setValues] = useState({ name: server?.name ?? "", url: server?.url ?? "" });
  const [headers, setHeaders] = useState<Header[]>([]);
  const submission = useSubmission();
  const { errors, busy } = submission;

  function submit() {
    const missing = missingFields(t, values);
    if (Object.keys(missing).length) return submission.refuse({ fields: missing });
    const place = { name: values.name.trim(), url: values.url.trim() };
    submission.save(onSave(headers.length ? { ...place, headers: headersOf(headers) } : place), (error) =>
      formErrors(t, error, Object.keys(values), rules),
    );
  }

  return (
    <FormFrame
      testId="server"
      submission={submission}
      saveLabel={t(busy ? "servers.checking" : server ? "app.save" : "servers.add")}
      onSubmit={submit}
      onCancel={onCancel}
    >
      <Field
        label={t("servers.name")}
        hint={t("servers.name_rule")}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        value={values.name}
        error={errors.fields.name}
        onChange={(event) => setValues({ ...values, name: event.target.value })}
        data-testid="server-name"
      />
      <Field
        label={t("servers.url")}
        type="url"
        inputMode="url"
        autoComplete="off"
        placeholder="https://mcp.example.org/mcp"
        value={values.url}
        error={errors.fields.url}
        onChange={(event) => setValues({ ...values, url: event.target.value })}
        data-testid="server-url"
      />
      <HeaderFields stored={server?.header_names ?? []} headers={headers} onChange={setHeaders} />
    </FormFrame>
  );
}

export interface Header {
  key: string;
  name: string;
  value: string;
}

/** The headers of the request. Rows without a name are dropped. */
function headersOf(headers: Header[]): Record<string, string> {
  return Object.fromEntries(headers.filter(({ name }) => name.trim()).map(({ name, value }) => [name.trim(), value]));
}

interface HeaderFieldsProps {
  /** Names of the stored headers. */
  stored: string[];
  headers: Header[];
  onChange: (headers: Header[]) => void;
}

/** Headers of every request. The first new row suggests `Authorization`. */
function HeaderFields({ stored, headers, onChange }: HeaderFieldsProps) {
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
