"use client";

import { useState } from "react";
import { Alert } from "@/components/alert";
import { ChoiceField, TextField } from "@/components/field";
import { Button } from "@/components/ui/button";
import type { ArgumentField } from "@/features/calls/arguments";
import type { ArgumentsEditing } from "@/features/calls/use-arguments";
import { useLocale } from "@/features/locale/locale";

/** What a call is to be given, to be read and changed. */
export function ArgumentsForm({ form, disabled }: { form: ArgumentsEditing; disabled: boolean }) {
  const { t } = useLocale();
  const { fields, written, problems, write } = form;
  const [all, setAll] = useState(false);
  if (!fields) {
    return (
      <TextField
        label={t("calls.arguments")}
        value={written[""]}
        error={problems[""]}
        onChange={(event) => write("", event.target.value)}
        disabled={disabled}
        spellCheck={false}
        className="max-h-80 resize-none font-mono md:text-[0.8125rem]"
        data-testid="arguments"
      />
    );
  }
  const shown = fields.filter(({ name, required }) => all || required || form.given(name) || problems[name]);
  return (
    <div className="grid gap-4">
      {fields.length === 0 && <p className="text-muted-foreground text-sm">{t("calls.no_arguments")}</p>}
      {shown.map((field) => (
        <ArgumentInput
          key={field.name}
          field={field}
          text={written[field.name] ?? ""}
          problem={problems[field.name]}
          disabled={disabled}
          onWrite={(text) => write(field.name, text)}
        />
      ))}
      {shown.length < fields.length && (
        <Button
          variant="link"
          size="inline"
          className="justify-self-start text-sm"
          onClick={() => setAll(true)}
          data-testid="more-arguments"
        >
          {t("calls.more_arguments", { count: fields.length - shown.length })}
        </Button>
      )}
      {problems[""] && <Alert>{problems[""]}</Alert>}
    </div>
  );
}

interface ArgumentInputProps {
  field: ArgumentField;
  text: string;
  problem: string | undefined;
  disabled: boolean;
  onWrite: (text: string) => void;
}

function ArgumentInput({ field, text, problem, disabled, onWrite }: ArgumentInputProps) {
  const { name, about, kind, required } = field;
  const common = { label: field.label, hint: about ?? undefined, error: problem, disabled, value: text };
  const choices = kind === "boolean" ? ["true", "false"] : field.choices;
  if (choices.length) {
    return (
      <ChoiceField {...common} onChange={(event) => onWrite(event.target.value)} data-testid={`argument-${name}`}>
        {(!required || text === "") && <option value="" />}
        {choices.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </ChoiceField>
    );
  }
  return (
    <TextField
      {...common}
      rows={1}
      inputMode={kind === "text" ? undefined : "decimal"}
      onChange={(event) => onWrite(event.target.value)}
      className="max-h-60 resize-none"
      data-testid={`argument-${name}`}
    />
  );
}
