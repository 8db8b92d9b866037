import { describe, expect, it } from "vitest";
import { byServer, isOn, type Selection, withServer, withTool } from "@/features/tools/selection";
import type { Tool } from "@/lib/api/types";

const tool = (server: string, name: string): Tool => ({ server, name, title: "", description: "", read_only: true });
const tools = [tool("wiki", "wiki__find"), tool("basechat", "calculate"), tool("basechat", "recall")];
const [own, wiki] = byServer(tools) as [ReturnType<typeof byServer>[0], ReturnType<typeof byServer>[0]];
const on = (selection: Selection) => tools.filter((each) => isOn(selection, each)).map((each) => each.name);

it("groups tools by server, BaseChat's own first", () => {
  expect(byServer(tools).map(({ server, tools }) => [server, tools.map((each) => each.name)])).toEqual([
    ["basechat", ["calculate", "recall"]],
    ["wiki", ["wiki__find"]],
  ]);
});

it("means BaseChat's own tools by default, and no tools if empty", () => {
  expect(on(null)).toEqual(["calculate", "recall"]);
  expect(on([])).toEqual([]);
  expect(on(["wiki", "recall"])).toEqual(["wiki__find", "recall"]);
});

describe("a server", () => {
  it("is switched as a whole", () => {
    expect(withServer(null, wiki, true)).toEqual(["basechat", "wiki"]);
    expect(withServer(["wiki", "recall"], wiki, false)).toEqual(["recall"]);
    expect(withServer(["recall"], own, true)).toBeNull();
    expect(withServer(null, own, false)).toEqual([]);
  });
});

describe("a tool", () => {
  it("is switched on its own", () => {
    expect(withTool(null, own, "calculate", false)).toEqual(["recall"]);
    expect(withTool(["wiki"], own, "recall", true)).toEqual(["wiki", "recall"]);
  });

  it("selects its server together with the last tool", () => {
    expect(withTool(["recall"], own, "calculate", true)).toBeNull();
    expect(withTool([], wiki, "wiki__find", true)).toEqual(["wiki"]);
  });
});

it("keeps servers that are not available now", () => {
  expect(withServer(["away", "basechat"], wiki, true)).toEqual(["away", "basechat", "wiki"]);
});
