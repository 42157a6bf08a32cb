import { describe, expect, it } from "vitest";
import type { Group } from "@/api/types";
import { groupsAround } from "@/features/account/nesting";

function group(id: string, ...parents: string[]): Group {
  const outer = parents.map((parent) => ({ id: parent, name: `/${parent}` }));
  return { id, name: `/${id}`, member_count: 0, source: "oidc", parents: outer };
}

const groups = [group("staff"), group("legal", "staff"), group("trade", "legal", "board"), group("board")];
const own = (...ids: string[]) => ids.map((id) => ({ id, name: `/${id}` }));

describe("groups inside groups", () => {
  it("whoever is in an inner group counts in all around it", () => {
    expect(groupsAround(own("trade"), groups).map(({ id }) => id)).toEqual(["board", "legal", "staff"]);
  });

  it("own groups are not told twice, and outer ones lead to no inner ones", () => {
    expect(groupsAround(own("trade", "staff"), groups).map(({ id }) => id)).toEqual(["board", "legal"]);
    expect(groupsAround(own("staff"), groups)).toEqual([]);
  });

  it("a circle comes to an end", () => {
    const circle = [group("a", "b"), group("b", "a")];
    expect(groupsAround(own("a"), circle).map(({ id }) => id)).toEqual(["b"]);
  });
});
