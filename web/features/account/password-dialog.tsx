"use client";

import { type FormEvent, useState } from "react";
import { Alert } from "@/components/alert";
import { PasswordField } from "@/components/form";
import { useNotify } from "@/components/notices";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent, DialogDescription, DialogHeader, DialogTitle } from "@/components/ui/dialog";
import { api } from "@/lib/api/client";
import type { PasswordChange } from "@/lib/api/types";
import { formErrors, missingFields, useSubmission } from "@/lib/forms";
import { useLocale } from "@/lib/locale/locale";

const changePassword = (change: PasswordChange) => api.post<void>("/auth/password", change);

export function PasswordDialog({ onClose }: { onClose: () => void }) {
  const { t } = useLocale();
  const notify = useNotify();
  const [values, setValues] = useState({ current_password: "", new_password: "" });
  const { errors, busy, refuse, save } = useSubmission();

  function submit(event: FormEvent) {
    event.preventDefault();
    const missing = missingFields(t, values);
    if (Object.keys(missing).length) return refuse({ fields: missing });
    save(change(), (error) => formErrors(t, error, Object.keys(values)));
  }

  async function change() {
    await changePassword(values);
    notify({ text: t("account.password_changed") });
    onClose();
  }

  return (
    <Dialog open onOpenChange={onClose}>
      <DialogContent closeLabel={t("app.close")}>
        <DialogHeader>
          <DialogTitle>{t("account.change_password")}</DialogTitle>
          <DialogDescription>{t("account.password_hint")}</DialogDescription>
        </DialogHeader>
        <form onSubmit={submit} noValidate className="grid gap-5">
          {errors.form && <Alert>{errors.form}</Alert>}
          <PasswordField
            label={t("account.current_password")}
            name="current_password"
            autoComplete="current-password"
            value={values.current_password}
            error={errors.fields.current_password}
            onChange={(event) => setValues({ ...values, current_password: event.target.value })}
            data-testid="current-password"
          />
          <PasswordField
            label={t("account.new_password")}
            hint={t("auth.password_rule")}
            name="new_password"
            autoComplete="new-password"
            value={values.new_password}
            error={errors.fields.new_password}
            onChange={(event) => setValues({ ...values, new_password: event.target.value })}
            data-testid="new-password"
          />
          <div className="flex justify-end gap-2">
            <Button variant="ghost" onClick={onClose}>
              {t("app.cancel")}
            </Button>
            <Button type="submit" disabled={busy} data-testid="submit">
              {t("app.save")}
            </Button>
          </div>
        </form>
      </DialogContent>
    </Dialog>
  );
}
