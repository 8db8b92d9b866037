"use client";

import { type FormEvent, useState } from "react";
import { Alert } from "@/components/alert";
import { Field } from "@/components/field";
import { Button } from "@/components/ui/button";
import { formErrors, missingFields, noErrors, type Rules } from "@/features/auth/form-errors";
import { useLocale } from "@/features/locale/locale";
import { type Header, HeaderFields, headersOf } from "@/features/tools/header-fields";
import type { McpServer } from "@/lib/api/types";

const rules: Rules = { name: "servers.name_rule", url: "servers.url_rule" };

interface Place {
  name: string;
  url: string;
  /** Left out where none was written. */
  headers?: Record<string, string>;
}

interface ServerFormProps {
  /** The server that is changed; none where one is added. */
  server?: McpServer;
  onSave: (place: Place) => Promise<void>;
  onCancel: () => void;
}

/** Where a server is, and how to sign in there. */
export function ServerForm({ server, onSave, onCancel }: ServerFormProps) {
  const { t } = useLocale();
  const [values, setValues] = useState({ name: server?.name ?? "", url: server?.url ?? "" });
  const [headers, setHeaders] = useState<Header[]>([]);
  const [errors, setErrors] = useState(noErrors);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    const missing = missingFields(t, values);
    if (Object.keys(missing).length) return setErrors({ fields: missing });
    setBusy(true);
    setErrors(noErrors);
    try {
      const place = { name: values.name.trim(), url: values.url.trim() };
      await onSave(headers.length ? { ...place, headers: headersOf(headers) } : place);
    } catch (error) {
      setErrors(formErrors(t, error, Object.keys(values), rules));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={submit} noValidate className="grid gap-5 rounded-lg border p-4" data-testid="server-form">
      {errors.form && <Alert>{errors.form}</Alert>}
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
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={onCancel}>
          {t("app.cancel")}
        </Button>
        <Button type="submit" disabled={busy} data-testid="save-server">
          {t(busy ? "servers.checking" : server ? "app.save" : "servers.add")}
        </Button>
      </div>
    </form>
  );
}
