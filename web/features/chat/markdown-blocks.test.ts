import { describe, expect, it } from "vitest";
import { markdownBlocks } from "@/features/chat/markdown-blocks";

describe("markdownBlocks", () => {
  it("cuts between paragraphs and headings", () => {
    expect(markdownBlocks("# A\n\nb\nc\n\nd")).toEqual(["# A\n\n", "b\nc\n\n", "d"]);
  });

  it("keeps a fenced block whole, blank lines and shorter fences included", () => {
    const code = "````js\n\na\n\n```\n\nb\n````\n\n";
    expect(markdownBlocks(`${code}after`)).toEqual([code, "after"]);
  });

  it("keeps an open fence whole", () => {
    expect(markdownBlocks("x\n\n```\na\n\nb\n\nc")).toEqual(["x\n\n", "```\na\n\nb\n\nc"]);
  });

  it("keeps lists with blank lines, their continued items and quotes together", () => {
    const list = "1. a\n\n   more\n\n2. b\n\n- c\n\n";
    expect(markdownBlocks(`${list}end`)).toEqual([list, "end"]);
    expect(markdownBlocks("> a\n\n> b")).toHaveLength(1);
  });

  it("loses nothing", () => {
    const text = "\n\na\n\n```\nb\n```\n\n| c |\n| - |\n\n- d\n\n\n\ne\n";
    expect(markdownBlocks(text).join("")).toBe(text);
  });

  it("changes only its last block while a text grows", () => {
    const text = "a\n\n- b\n\n- c\n\nd\n\n```\ne\n\nf\n```\n\ng";
    for (let end = 1; end < text.length; end += 1) {
      const before = markdownBlocks(text.slice(0, end));
      const after = markdownBlocks(text.slice(0, end + 1));
      expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
    }
  });
});
