import Link from "next/link";
import { Logo } from "@/components/logo";
import en from "@/messages/en.json";
import ko from "@/messages/ko.json";

/** In both languages, because the export does not know the reader's. */
export default function NotFound() {
  return (
    <main className="grid h-dvh place-content-center justify-items-center gap-4 p-6 text-center">
      <Logo className="size-11" />
      <p>
        <span lang="ko">{ko["app.not_found"]}</span>
        <br />
        <span className="text-muted-foreground">{en["app.not_found"]}</span>
      </p>
      <Link href="/" className="text-primary underline underline-offset-4">
        {`${ko["app.home"]} · ${en["app.home"]}`}
      </Link>
    </main>
  );
}
