/** What tools and servers are called: the server's own in the reader's language, others as they call themselves. */

import { isTextKey, type Translate } from "@/lib/locale/texts";

/** The name of the server's own tools, where those of outside servers have the name that was given to them. */
export const OWN = "basechat";

interface Named {
  name: string;
  title: string;
  server: string;
}

export function toolTitle(t: Translate, { name, title, server }: Named): string {
  const key = `tool.${name}`;
  if (server === OWN && isTextKey(key)) return t(key);
  return title || name.slice(name.startsWith(`${server}__`) ? server.length + 2 : 0);
}

export function toolAbout(t: Translate, { name, server, description }: Named & { description: string }): string {
  const key = `tool.${name}.about`;
  return server === OWN && isTextKey(key) ? t(key) : description;
}

export function serverTitle(t: Translate, server: string): string {
  return server === OWN ? t("app.name") : server;
}
