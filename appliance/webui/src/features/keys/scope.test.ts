import { describe, expect, it } from "vitest";
import { narrowedBy, scopeOf } from "@/features/keys/scope";

function form(...pairs: [string, string][]): FormData {
  const data = new FormData();
  for (const [name, value] of pairs) data.append(name, value);
  return data;
}

describe("a form's scope", () => {
  it("is everything when nothing is ticked", () => {
    expect(scopeOf(form(["name", "a"]))).toEqual({
      models: null,
      assistants: null,
      collections: null,
      endpoints: null,
    });
  });

  it("is what is ticked, group by group", () => {
    const scope = scopeOf(form(["models", "m"], ["endpoints", "embeddings"], ["endpoints", "models"]));
    expect(scope).toEqual({
      models: ["m"],
      assistants: null,
      collections: null,
      endpoints: ["embeddings", "models"],
    });
  });
});

describe("what narrows a key", () => {
  const nameOf = (id: string) => (id === "1" ? "Handbook" : id);

  it("is nothing for a key for everything", () => {
    expect(narrowedBy(scopeOf(form()), nameOf)).toEqual([]);
  });

  it("has names, and shows a group that lets nothing through", () => {
    const scope = { models: [], assistants: null, collections: ["1"], endpoints: null };
    expect(narrowedBy(scope, nameOf)).toEqual([
      ["models", []],
      ["collections", ["Handbook"]],
    ]);
  });
});
