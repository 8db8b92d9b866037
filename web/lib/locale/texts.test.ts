import { describe, expect, it } from "vitest";
import { preferredLocale, translator } from "@/lib/locale/texts";

describe("catalogue", () => {
  it("takes the browser's order of languages", () => {
    expect(preferredLocale(["ko-KR", "en-US"])).toBe("ko");
    expect(preferredLocale(["en-GB", "ko"])).toBe("en");
    expect(preferredLocale(["fr", "ko"])).toBe("ko");
    expect(preferredLocale(["fr"])).toBe("en");
    expect(preferredLocale([])).toBe("en");
  });

  it("fills in values", () => {
    expect(translator("en")("chat.greeting", { name: "Mina" })).toBe("What can I help you with, Mina?");
  });
});
