import { Logo } from "@/components/logo";

/** What is seen until it is known who is looking. */
export function Splash() {
  return (
    <div className="grid h-dvh place-items-center" aria-busy="true">
      <Logo className="size-11 animate-pulse" />
    </div>
  );
}
