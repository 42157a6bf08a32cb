import { describe, expect, it } from "vitest";
import { localPathOf, numberOf, textOf } from "@/app/search";

describe("query parameters", () => {
  it("lead only to pages of this site after the login", () => {
    expect(localPathOf("/c/1?x=2")).toBe("/c/1?x=2");
    for (const trick of ["//evil.test", "/\\evil.test", "https://evil.test", "javascript:alert(1)", 5]) {
      expect(localPathOf(trick)).toBeUndefined();
    }
  });

  it("are dropped where they do not fit", () => {
    expect(numberOf("3")).toBe(3);
    expect(numberOf("-1")).toBeUndefined();
    expect(numberOf("x")).toBeUndefined();
    expect(textOf("")).toBeUndefined();
  });
});
