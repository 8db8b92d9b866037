"use client";

/** Short notices at the top of the page, some with an action such as undo. */

import { XIcon } from "lucide-react";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { useLocale } from "@/lib/locale/locale";

const SHOWN_MS = 8_000;

interface Notice {
  text: string;
  action?: { label: string; run: () => void };
}

const Context = createContext<((notice: Notice) => void) | null>(null);

export function NoticesProvider({ children }: { children: ReactNode }) {
  const { t } = useLocale();
  const [notice, setNotice] = useState<Notice | null>(null);
  const dismiss = useCallback(() => setNotice(null), []);

  useEffect(() => {
    if (!notice) return;
    const timer = setTimeout(dismiss, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice, dismiss]);

  return (
    <Context value={setNotice}>
      {children}
      <div role="status" className="pointer-events-none fixed inset-x-0 top-3 z-50 flex justify-center px-4">
        {notice && (
          <div className="fade-in-0 slide-in-from-top-2 pointer-events-auto flex animate-in items-center gap-1 rounded-lg bg-foreground py-1.5 pr-1.5 pl-4 text-background text-sm shadow-lg">
            <span className="py-1">{notice.text}</span>
            {notice.action && (
              <Button
                variant="ghost"
                size="sm"
                className="font-semibold hover:bg-background/15 hover:text-background"
                onClick={() => {
                  notice.action?.run();
                  dismiss();
                }}
                data-testid="undo"
              >
                {notice.action.label}
              </Button>
            )}
            <Button
              variant="ghost"
              size="icon-sm"
              className="hover:bg-background/15 hover:text-background"
              aria-label={t("app.close")}
              onClick={dismiss}
            >
              <XIcon />
            </Button>
          </div>
        )}
      </div>
    </Context>
  );
}

export function useNotify(): (notice: Notice) => void {
  const notify = useContext(Context);
  if (!notify) throw new Error("useNotify needs a NoticesProvider");
  return notify;
}
