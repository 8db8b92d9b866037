"use client";

/** The arguments of a waiting call while they are edited. */

import { useMemo, useState } from "react";
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
import { useLocale } from "@/features/locale/locale";
import type { FieldError } from "@/lib/api/types";

/** By the argument's name; the empty one stands for all of them. */
type FieldProblems = Record<string, string>;

export interface ArgumentsEditing {
  /** Null where all arguments are one JSON text, under the empty name. */
  fields: ArgumentField[] | null;
  written: Written;
  problems: FieldProblems;
  /** Whether the model gave this argument. */
  given: (name: string) => boolean;
  write: (name: string, text: string) => void;
  mark: (errors: FieldError[]) => void;
  /** What to send of them: nothing where they were not touched; null, and marked, where they are not right. */
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
