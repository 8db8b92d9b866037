/** Cuts Markdown where its top-level blocks end, so that a growing answer is parsed again only in its last block. */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
/** A line after a blank one that may belong to the block before it: indented, a list's next item, a quote, a table. */
const CONTINUES = /^(\s|[-*+>|]|\d{1,9}[.)])/;

/** The blocks' concatenation is the text. */
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

/** The fence that is open behind the line; it is closed by one of its kind that is at least as long. */
function fenceAfter(line: string, open: string | null): string | null {
  const mark = FENCE.exec(line)?.[1];
  if (!mark) return open;
  if (!open) return mark;
  const closes = mark[0] === open[0] && mark.length >= open.length && line.trim() === mark;
  return closes ? null : open;
}
