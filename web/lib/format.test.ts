import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatMoney, formatSeconds, formatShare } from "@/lib/format";

describe("formats", () => {
  it("writes counts in full, or short where there is little room", () => {
    expect(formatCount("en", 1_234_567)).toBe("1,234,567");
    expect(formatCount("en", 9_999, true)).toBe("9,999");
    expect(formatCount("en", 1_234_567, true)).toBe("1.2M");
    expect(formatCount("ko", 1_234_567, true)).toBe("123.5만");
  });

  it("writes small amounts of money with the digits that they consist of", () => {
    expect(formatMoney("en", "12.3")).toBe("$12.30");
    expect(formatMoney("en", 0)).toBe("$0.00");
    expect(formatMoney("en", "0.0123")).toBe("$0.0123");
    expect(formatMoney("en", "0.00004")).toBe("$0.00004");
    expect(formatMoney("ko", "1234.5")).toBe("US$1,234.50");
  });

  it("chooses the unit that suits a size or a span", () => {
    expect(formatBytes("en", 0)).toBe("0 B");
    expect(formatBytes("en", 1023)).toBe("1,023 B");
    expect(formatBytes("en", 1536)).toBe("1.5 KiB");
    expect(formatBytes("en", 5 * 1024 ** 4)).toBe("5,120 GiB");
    expect(formatSeconds("en", 0.25)).toBe("0.3 sec");
    expect(formatSeconds("en", 90)).toBe("1.5 min");
    expect(formatSeconds("ko", 7200)).toBe("2시간");
  });

  it("writes shares as percent", () => {
    expect(formatShare("en", 0.8234)).toBe("82.3%");
    expect(formatShare("ko", 1)).toBe("100%");
  });
});
