"use client";

import {
  BrainIcon,
  ChartNoAxesColumnIcon,
  ChevronsUpDownIcon,
  KeyRoundIcon,
  LogOutIcon,
  MonitorSmartphoneIcon,
  NotebookPenIcon,
  ShieldUserIcon,
  WrenchIcon,
} from "lucide-react";
import { Fragment, useState } from "react";
import { useNotify } from "@/components/notices";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { DevicesDialog } from "@/features/account/devices-dialog";
import { PasswordDialog } from "@/features/account/password-dialog";
import { AdminDialog } from "@/features/admin/admin-dialog";
import { useAuth } from "@/features/auth/auth";
import { MemoryDialog } from "@/features/memory/memory-dialog";
import { OwnInstructions } from "@/features/preferences/instructions";
import { usePreferences } from "@/features/preferences/preferences";
import { openChat } from "@/features/sessions/location";
import { ServersDialog } from "@/features/tools/servers-dialog";
import { UsageDialog } from "@/features/usage/usage-dialog";
import type { User } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";
import { describeError, type Locale, localeNames } from "@/lib/locale/texts";

/** The dialogs of the menu, in groups: the assistant, the account, the server. */
const entries = [
  [
    { name: "own-instructions", icon: NotebookPenIcon, text: "instructions.own", Dialog: OwnInstructions },
    { name: "memory", icon: BrainIcon, text: "memory.title", Dialog: MemoryDialog },
    { name: "servers", icon: WrenchIcon, text: "servers.title", Dialog: ServersDialog },
  ],
  [
    { name: "usage", icon: ChartNoAxesColumnIcon, text: "usage.title", Dialog: UsageDialog },
    { name: "change-password", icon: KeyRoundIcon, text: "account.change_password", Dialog: PasswordDialog },
    { name: "devices", icon: MonitorSmartphoneIcon, text: "account.devices", Dialog: DevicesDialog },
  ],
  [{ name: "admin", icon: ShieldUserIcon, text: "admin.title", Dialog: AdminDialog }],
] as const;

type Entry = (typeof entries)[number][number];

export function AccountMenu({ user }: { user: User }) {
  const { t, locale } = useLocale();
  const { change } = usePreferences();
  const { leave } = useAuth();
  const notify = useNotify();
  const [opened, setOpened] = useState<Entry | null>(null);
  const groups = user.role === "admin" ? entries : entries.slice(0, -1);

  async function signOut() {
    try {
      await leave();
      openChat(null);
    } catch (error) {
      notify({ text: describeError(t, error) });
    }
  }

  return (
    <>
      <DropdownMenu>
        <DropdownMenuTrigger
          aria-label={t("account.menu")}
          className="flex w-full items-center gap-2.5 rounded-md px-2 py-2 text-left text-sm outline-none transition-colors hover:bg-accent focus-visible:ring-[3px] focus-visible:ring-ring/50"
          data-testid="account-menu"
        >
          <span
            aria-hidden="true"
            className="grid size-8 shrink-0 place-items-center rounded-full bg-primary/15 font-semibold text-primary text-sm uppercase"
          >
            {Array.from(user.username)[0]}
          </span>
          <span className="min-w-0 flex-1 truncate font-medium">{user.username}</span>
          <ChevronsUpDownIcon className="size-4 shrink-0 text-muted-foreground" aria-hidden="true" />
        </DropdownMenuTrigger>
        <DropdownMenuContent align="start" side="top" className="w-60">
          <DropdownMenuLabel className="truncate">{user.email}</DropdownMenuLabel>
          <DropdownMenuSeparator />
          <DropdownMenuLabel>{t("account.language")}</DropdownMenuLabel>
          <DropdownMenuRadioGroup value={locale} onValueChange={(chosen) => change({ locale: chosen })}>
            {(Object.keys(localeNames) as Locale[]).map((each) => (
              <DropdownMenuRadioItem key={each} value={each} lang={each} data-testid={`language-${each}`}>
                {localeNames[each]}
              </DropdownMenuRadioItem>
            ))}
          </DropdownMenuRadioGroup>
          <DropdownMenuSeparator />
          {groups.map((group) => (
            <Fragment key={group[0].name}>
              {group.map((entry) => (
                <DropdownMenuItem key={entry.name} onSelect={() => setOpened(entry)} data-testid={entry.name}>
                  <entry.icon />
                  {t(entry.text)}
                </DropdownMenuItem>
              ))}
              <DropdownMenuSeparator />
            </Fragment>
          ))}
          <DropdownMenuItem onSelect={signOut} data-testid="sign-out">
            <LogOutIcon />
            {t("account.sign_out")}
          </DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
      {opened && <opened.Dialog onClose={() => setOpened(null)} />}
    </>
  );
}
