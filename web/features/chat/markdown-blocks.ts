/** Splits Markdown into top-level blocks, so that a growing answer parses only its last block again. */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
/** After a blank line, these lines can continue the block: indented text, list items, quotes, tables. */
const CONTINUES = /^(\s|[-*+>|]|\d{1,9}[.)])/;

/** The blocks, joined, are the text. */
export function markdownBlocks(text: string): string[] {
  const blocks: string[] = [];
  let fence: string | null = null;
  let blank = false;
  let start = 0;
  let at = 0;
  for (const line of text.split("\n")) {
    if (!fence && blank && line.trim() && !CONTINUES.test(line)) {
      blocks.push(text.slice(start, at));
      start = at;
    }
    fence = fenceAfter(line, fence);
    blank = !line.trim();
    at += line.length + 1;
  }
  blocks.push(text.slice(start));
  return blocks;
}

/** The open fence after the line. A fence of the same kind and at least the same length closes it. */
function fenceAfter(line: string, open: string | null): string | null {
  const mark = FENCE.exec(line)?.[1];
  if (!mark) return open;
  if (!open) return mark;
  const closes = mark[0] === open[0] && mark.length >= open.length && line.trim() === mark;
  return closes ? null : open;
}
