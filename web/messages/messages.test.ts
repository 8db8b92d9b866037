/** Both languages of the page: the same keys and placeholders, and each language in its own style. */

import { describe, expect, it } from "vitest";
import en from "@/messages/en.json";
import ko from "@/messages/ko.json";

type Catalogue = Record<string, string>;

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
const sentences = (text: string) => text.split(/(?<=[.!?…])\s+/);

/** The keys of the texts that `fails` finds wrong. */
const keysWhere = (texts: Catalogue, fails: (text: string) => boolean) =>
  Object.keys(texts).filter((key) => fails(texts[key] ?? ""));

const LONGEST_SENTENCE = 20;

const AVOIDED =
  /\b(nobody|no one|none|anew|afresh|told|said|whoever|whom|as it stands|in brief|in mid-\w+|be it)\b|(?<!there )\b(is|are) no (?!longer)/i;

/** Texts that may end in -니다, such as legal ones, each with its reason. */
const FORMAL_KOREAN: Record<string, string> = {};

const FORMAL_ENDING = /(니다|니까|십시오)(?=[.?!"’”)\s]|$)/;

/** A particle that leaves its form open, such as 을(를) or (으)로. */
const OPEN_PARTICLE =
  /(을\(를\)|를\(을\)|이\(가\)|가\(이\)|은\(는\)|는\(은\)|과\(와\)|와\(과\)|\(으\)로|\(이\)[가-힣])/;

/** A particle whose form depends on the value of the placeholder before it. */
const PARTICLE_OF_VALUE = /\}[’”"]?(을|를|이|가|은|는|과|와|으로|로|이에요|예요)(?=[\s.,?!]|$)/;

describe("texts", () => {
  it("have the same keys in the same order in both languages", () => {
    expect(Object.keys(ko)).toEqual(Object.keys(en));
  });

  it("have the same placeholders in both languages", () => {
    const korean: Catalogue = ko;
    for (const [key, text] of Object.entries(en))
      expect(placeholders(korean[key] ?? ""), key).toEqual(placeholders(text));
  });

  it("are not empty and have no stray spaces", () => {
    for (const texts of [en, ko]) {
      expect(keysWhere(texts, (text) => text === "" || text !== text.trim() || text.includes("  "))).toEqual([]);
    }
  });
});

describe("English texts", () => {
  it("use plain words", () => {
    expect(keysWhere(en, (text) => AVOIDED.test(text))).toEqual([]);
  });

  it(`have sentences of at most ${LONGEST_SENTENCE} words`, () => {
    const long = (text: string) => sentences(text).some((each) => each.split(/\s+/).length > LONGEST_SENTENCE);
    expect(keysWhere(en, long)).toEqual([]);
  });
});

describe("Korean texts", () => {
  it("end politely (해요체), unless a reason is given", () => {
    const formal = keysWhere(ko, (text) => FORMAL_ENDING.test(text));
    expect(formal).toEqual(Object.keys(FORMAL_KOREAN));
  });

  it("address no reader as 당신", () => {
    expect(keysWhere(ko, (text) => text.includes("당신"))).toEqual([]);
  });

  it("leave no particle to choose, and put none behind a value that decides it", () => {
    expect(keysWhere(ko, (text) => OPEN_PARTICLE.test(text) || PARTICLE_OF_VALUE.test(text))).toEqual([]);
  });

  it("use one word per concept", () => {
    const replaced = { 대화: "채팅", 툴: "도구", 콘텍스트: "컨텍스트", 프로바이더: "제공자", 에일리어스: "별칭" };
    expect(keysWhere(ko, (text) => Object.keys(replaced).some((word) => text.includes(word)))).toEqual([]);
  });
});
