"use client";

import { EyeIcon, EyeOffIcon } from "lucide-react";
import { type ComponentProps, useState } from "react";
import { Field } from "@/components/field";
import { useLocale } from "@/features/locale/locale";

/** A password with a button that shows what was typed. */
export function PasswordField(props: ComponentProps<typeof Field>) {
  const { t } = useLocale();
  const [shown, setShown] = useState(false);
  return (
    <div className="relative">
      <Field name="password" data-testid="password" {...props} type={shown ? "text" : "password"} className="pr-11" />
      <button
        type="button"
        aria-label={t("auth.show_password")}
        aria-pressed={shown}
        onClick={() => setShown(!shown)}
        className="absolute top-[1.6rem] right-1 grid size-8 place-items-center rounded-sm text-muted-foreground outline-none hover:text-foreground focus-visible:ring-[3px] focus-visible:ring-ring/50 [&_svg]:size-4"
      >
        {shown ? <EyeOffIcon /> : <EyeIcon />}
      </button>
    </div>
  );
}
