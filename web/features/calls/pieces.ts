/** Cuts an answer where tools were called, so that each call is shown at its place in the text. */

import type { ToolCall } from "@/features/calls/tool-calls";

export type Piece = { kind: "text"; text: string } | { kind: "calls"; calls: ToolCall[] };

/** Calls with nothing but space between them stand together; blank lines at the head of a text are left out. */
export function piecesOf(text: string, calls: ToolCall[]): Piece[] {
  if (calls.length === 0) return text ? [{ kind: "text", text }] : [];
  const points = Array.from(text);
  const pieces: Piece[] = [];
  let end = 0;
  for (const call of calls.toSorted((a, b) => a.at - b.at)) {
    const at = Math.max(end, Math.min(call.at, points.length));
    addText(pieces, points.slice(end, at).join(""));
    addCall(pieces, call);
    end = at;
  }
  addText(pieces, points.slice(end).join(""));
  return pieces;
}

const BLANK_LINES = /^(?:[ \t]*\n)+/;

function addText(pieces: Piece[], text: string): void {
  if (text.trim()) pieces.push({ kind: "text", text: text.replace(BLANK_LINES, "") });
}

function addCall(pieces: Piece[], call: ToolCall): void {
  const last = pieces.at(-1);
  if (last?.kind === "calls") last.calls.push(call);
  else pieces.push({ kind: "calls", calls: [call] });
}
