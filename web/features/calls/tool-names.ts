/** Titles of tools and servers: translated for BaseChat's own tools, else the server's own titles. */

import { isTextKey, type Translate } from "@/lib/locale/texts";

/** Server name of BaseChat's own tools. */
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
