import { describe, expect, it } from "vitest";
import { preferredLocale, translator } from "@/features/locale/catalogue";
import en from "@/messages/en.json";
import ko from "@/messages/ko.json";

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

describe("catalogue", () => {
  it("has the same texts with the same placeholders in both languages", () => {
    expect(Object.keys(ko)).toEqual(Object.keys(en));
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      expect(placeholders(ko[key]), key).toEqual(placeholders(en[key]));
    }
  });

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
