"use client";

import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { initialLocale } from "@/lib/locale/locale";
import { translator } from "@/lib/locale/texts";

/** Shown if the page itself fails. Runs continue without it. */
export default function PageError() {
  const t = translator(initialLocale());
  return (
    <main className="grid h-dvh place-content-center justify-items-center gap-4 p-6">
      <Alert>{t("app.broken")}</Alert>
      <Button variant="outline" onClick={() => window.location.reload()}>
        {t("app.retry")}
      </Button>
    </main>
  );
}
