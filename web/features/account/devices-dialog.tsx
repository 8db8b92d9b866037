"use client";

import { useEffect, useState } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent, DialogDescription, DialogHeader, DialogTitle } from "@/components/ui/dialog";
import { api } from "@/lib/api/client";
import type { Device, Devices } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

const signOutDevice = (id: string) => api.delete(`/auth/sessions/${id}`);

const listDevices = () => api.get<Devices>("/auth/sessions");

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

/** Short name of a device from its User-Agent, such as "Chrome · macOS", or null. */
export function deviceName(userAgent: string): string | null {
  const parts = [firstMatch(browsers, userAgent), firstMatch(systems, userAgent)].filter(Boolean);
  return parts.length ? parts.join(" · ") : null;
}

/** The order matters: most browsers also contain the names of later ones. */
const browsers: [RegExp, string][] = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/Whale\//, "Whale"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];

const systems: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux|X11/, "Linux"],
];

function firstMatch(names: [RegExp, string][], userAgent: string): string | undefined {
  return names.find(([pattern]) => pattern.test(userAgent))?.[1];
}
