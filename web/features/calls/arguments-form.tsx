"use client";

import { Alert } from "@/components/alert";
import { ChoiceField, TextField } from "@/components/field";
import type { ArgumentField } from "@/features/calls/arguments";
import type { ArgumentsEditing } from "@/features/calls/use-arguments";
import { useLocale } from "@/features/locale/locale";

/** What a call is to be given, to be read and changed. */
export function ArgumentsForm({ form, disabled }: { form: ArgumentsEditing; disabled: boolean }) {
  const { t } = useLocale();
  const { fields, written, problems, write } = form;
  if (!fields) {
    return (
      <TextField
        label={t("calls.arguments")}
        value={written[""]}
        error={problems[""]}
        onChange={(event) => write("", event.target.value)}
        disabled={disabled}
        spellCheck={false}
        className="max-h-80 font-mono md:text-[0.8125rem]"
        data-testid="arguments"
      />
    );
  }
  if (fields.length === 0) return <p className="text-muted-foreground text-sm">{t("calls.no_arguments")}</p>;
  return (
    <div className="grid gap-4">
      {fields.map((field) => (
        <ArgumentInput
          key={field.name}
          field={field}
          text={written[field.name] ?? ""}
          problem={problems[field.name]}
          disabled={disabled}
          onWrite={(text) => write(field.name, text)}
        />
      ))}
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
      className="max-h-60"
      data-testid={`argument-${name}`}
    />
  );
}
