"use client";

import { type RefObject, useEffect, useRef } from "react";

/** Leads to the first field of a form that is wrong, else to what is said of the form, whenever errors are found. */
export function useErrorFocus(errors: object): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each finding counts, also one like the last
  useEffect(() => {
    const field = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    if (field) field.focus();
    else form.current?.querySelector('[role="alert"]')?.scrollIntoView({ block: "nearest" });
  }, [errors]);
  return form;
}
