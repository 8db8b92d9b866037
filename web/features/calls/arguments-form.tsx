"use client";

import { useMemo, useState } from "react";
import { Alert } from "@/components/alert";
import { ChoiceField, TextField } from "@/components/form";
import { Button } from "@/components/ui/button";
import {
  type ArgumentField,
  type Arguments,
  argumentsOf,
  fieldsOf,
  objectOf,
  problemsOf,
  type Written,
  writtenOf,
} from "@/features/calls/arguments";
import type { ToolCall } from "@/features/calls/tool-calls";
import type { FieldError } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";

/** The editable arguments of a waiting call. */
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

/** By argument name. The empty name means all arguments. */
type FieldProblems = Record<string, string>;

interface ArgumentsEditing {
  /** Null if all arguments are one JSON text, under the empty name. */
  fields: ArgumentField[] | null;
  written: Written;
  problems: FieldProblems;
  /** The model gave this argument. */
  given: (name: string) => boolean;
  write: (name: string, text: string) => void;
  mark: (errors: FieldError[]) => void;
  /** The changed arguments to send. Null if a field is invalid and marked. */
  read: () => { arguments?: Arguments } | null;
}

export function useArguments({ arguments: given, asks }: ToolCall): ArgumentsEditing {
  const { t } = useLocale();
  const fields = useMemo(() => fieldsOf(asks?.inputSchema ?? {}, given), [asks, given]);
  const initial = useMemo(
    () => (fields ? writtenOf(fields, given) : { "": JSON.stringify(given, null, 2) }),
    [fields, given],
  );
  const [written, setWritten] = useState<Written>(initial);
  const [problems, setProblems] = useState<FieldProblems>({});

  function read() {
    setProblems({});
    if (Object.entries(written).every(([name, text]) => text === initial[name])) return {};
    if (!fields) {
      const value = objectOf(written[""] ?? "");
      if (!value) setProblems({ "": t("calls.not_json") });
      return value && { arguments: value };
    }
    const { given: said, problems: found } = argumentsOf(fields, written, given);
    setProblems(Object.fromEntries(Object.entries(found).map(([name, problem]) => [name, t(problem)])));
    return Object.keys(found).length ? null : { arguments: said };
  }

  return {
    fields,
    written,
    problems,
    given: (name) => name in given,
    write: (name, text) => setWritten((before) => ({ ...before, [name]: text })),
    mark: (errors) => setProblems(problemsOf(fields, errors)),
    read,
  };
}
