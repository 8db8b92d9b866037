/** The tools of a chat: a list of servers and single tools. Null means BaseChat's own server. */

import { OWN } from "@/features/calls/tool-names";
import type { Tool } from "@/lib/api/types";

export type Selection = string[] | null;

export interface ServerTools {
  server: string;
  tools: Tool[];
}

/** Tools by server: BaseChat's own first, others by name. */
export function byServer(tools: Tool[]): ServerTools[] {
  const servers = new Map<string, Tool[]>();
  for (const tool of tools) servers.set(tool.server, [...(servers.get(tool.server) ?? []), tool]);
  const groups = [...servers].map(([server, own]) => ({ server, tools: own }));
  return groups.sort((a, b) => Number(b.server === OWN) - Number(a.server === OWN) || a.server.localeCompare(b.server));
}

export function isOn(selection: Selection, { server, name }: Pick<Tool, "server" | "name">): boolean {
  const chosen = selection ?? [OWN];
  return chosen.includes(server) || chosen.includes(name);
}

export function withServer(selection: Selection, { server, tools }: ServerTools, on: boolean): Selection {
  return compact([...others(selection, { server, tools }), ...(on ? [server] : [])]);
}

/** All tools of a server become the server itself, so that its later tools are on, too. */
export function withTool(selection: Selection, group: ServerTools, name: string, on: boolean): Selection {
  const before = group.tools.filter((tool) => isOn(selection, tool)).map((tool) => tool.name);
  const names = on ? [...before, name] : before.filter((each) => each !== name);
  const all = group.tools.every((tool) => names.includes(tool.name));
  return compact([...others(selection, group), ...(all ? [group.server] : names)]);
}

function others(selection: Selection, { server, tools }: ServerTools): string[] {
  const own = new Set([server, ...tools.map((tool) => tool.name)]);
  return (selection ?? [OWN]).filter((each) => !own.has(each));
}

function compact(chosen: string[]): Selection {
  return chosen.length === 1 && chosen[0] === OWN ? null : chosen;
}
