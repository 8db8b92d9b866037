"use client";

import { useEffect, useState } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent, DialogDescription, DialogHeader, DialogTitle } from "@/components/ui/dialog";
import { listDevices, signOutDevice } from "@/features/account/api";
import { deviceName } from "@/features/account/user-agent";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import type { Device } from "@/lib/api/types";

export function DevicesDialog({ onClose }: { onClose: () => void }) {
  const { t } = useLocale();
  const [devices, setDevices] = useState<Device[] | null>(null);
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    listDevices().then((page) => setDevices(page.items), setError);
  }, []);

  async function signOut(id: string) {
    try {
      await signOutDevice(id);
      setDevices((list) => list?.filter((device) => device.id !== id) ?? null);
    } catch (failure) {
      setError(failure);
    }
  }

  return (
    <Dialog open onOpenChange={onClose}>
      <DialogContent closeLabel={t("app.close")} onOpenAutoFocus={(event) => event.preventDefault()}>
        <DialogHeader>
          <DialogTitle>{t("account.devices")}</DialogTitle>
          <DialogDescription>{t("account.devices_hint")}</DialogDescription>
        </DialogHeader>
        {error !== null && <Alert>{describeError(t, error)}</Alert>}
        <ul className="grid max-h-80 divide-y overflow-y-auto" aria-busy={devices === null && error === null}>
          {devices?.map((device) => (
            <DeviceRow key={device.id} device={device} onSignOut={() => signOut(device.id)} />
          ))}
        </ul>
      </DialogContent>
    </Dialog>
  );
}

function DeviceRow({ device, onSignOut }: { device: Device; onSignOut: () => void }) {
  const { t, locale } = useLocale();
  const seen = new Date(device.last_seen_at);
  const when = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(seen);
  const about = [t("account.last_seen", { when }), device.address].filter(Boolean).join(" · ");
  return (
    <li className="flex items-center gap-3 py-3" data-testid="device">
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium text-sm">{deviceName(device.user_agent) ?? t("account.unknown_device")}</p>
        <p className="truncate text-muted-foreground text-xs">{about}</p>
      </div>
      {device.current ? (
        <span className="rounded-full bg-primary/15 px-2.5 py-1 text-primary text-xs">{t("account.this_device")}</span>
      ) : (
        <Button variant="outline" size="sm" onClick={onSignOut}>
          {t("account.sign_out_device")}
        </Button>
      )}
    </li>
  );
}
