import { describe, expect, it } from "vitest";
import { findQuoted } from "@/features/sources/marks";

const found = (block: string, quoted: string) =>
  findQuoted(block, quoted).map(([start, end]) => block.slice(start, end));

describe("a quoted passage in the text of a page", () => {
  it("is found although lines break elsewhere", () => {
    expect(found("The pump runs\nfor 24 months. It is blue.", "runs for 24 months.")).toEqual([
      "runs\nfor 24 months.",
    ]);
  });

  it("is found in Japanese with line breaks and full-width letters", () => {
    expect(
      found("ポンプ Ｐ-200 の保証\n期間は24か月です。", "ポンプ P-200 の保証期間は24か月です。"),
    ).toEqual(["ポンプ Ｐ-200 の保証\n期間は24か月です。"]);
  });

  it("covers a whole block that is a part of it", () => {
    expect(found("Second paragraph here.", "First one.\nSecond paragraph here.\nThird.")).toEqual([
      "Second paragraph here.",
    ]);
  });

  it("is marked by its sentences where a block holds only some of them", () => {
    const block = "Before. The first sentence of it. The second sentence.";
    expect(found(block, "The first sentence of it. The second sentence. And one on the next page.")).toEqual([
      "The first sentence of it. The second sentence.",
    ]);
  });

  it("is not found where it is not", () => {
    expect(found("Something else entirely.", "The pump runs for 24 months.")).toEqual([]);
    expect(found("Anything", "")).toEqual([]);
  });
});
