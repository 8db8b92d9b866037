"use client";

import { Dialog, DialogContent, DialogDescription, DialogHeader, DialogTitle } from "@/components/ui/dialog";
import { Tabs, TabsContent, TabsList, TabsTrigger } from "@/components/ui/tabs";
import { AliasesPanel } from "@/features/admin/aliases/aliases-panel";
import { BudgetsPanel } from "@/features/admin/budgets/budgets-panel";
import { CachePanel } from "@/features/admin/cache/cache-panel";
import { ProvidersPanel } from "@/features/admin/providers/providers-panel";
import { useLocale } from "@/lib/locale/locale";

const parts = [
  { name: "providers", text: "providers.title", Part: ProvidersPanel },
  { name: "aliases", text: "aliases.title", Part: AliasesPanel },
  { name: "budgets", text: "budgets.title", Part: BudgetsPanel },
  { name: "cache", text: "cache.title", Part: CachePanel },
] as const;

export function AdminDialog({ onClose }: { onClose: () => void }) {
  const { t } = useLocale();
  return (
    <Dialog open onOpenChange={onClose}>
      <DialogContent
        closeLabel={t("app.close")}
        className="h-[46rem] content-start gap-3 p-4 sm:max-w-2xl sm:p-6"
        onOpenAutoFocus={(event) => event.preventDefault()}
        data-testid="admin-dialog"
      >
        <DialogHeader>
          <DialogTitle>{t("admin.title")}</DialogTitle>
          <DialogDescription>{t("admin.hint")}</DialogDescription>
        </DialogHeader>
        <Tabs defaultValue={parts[0].name} className="min-w-0">
          <TabsList aria-label={t("admin.title")}>
            {parts.map(({ name, text }) => (
              <TabsTrigger key={name} value={name} data-testid={`admin-${name}`}>
                {t(text)}
              </TabsTrigger>
            ))}
          </TabsList>
          {parts.map(({ name, Part }) => (
            <TabsContent key={name} value={name}>
              <Part />
            </TabsContent>
          ))}
        </Tabs>
      </DialogContent>
    </Dialog>
  );
}
