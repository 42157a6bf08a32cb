import { describe, expect, it } from "vitest";
import { translatorFor } from "@/i18n";
import { en, type MessageKey } from "@/i18n/en";
import { ja } from "@/i18n/ja";

const sources = import.meta.glob("/src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
const code = Object.entries(sources)
  .filter(([path]) => !path.startsWith("/src/i18n/"))
  .map(([, text]) => String(text))
  .join("\n");
const keys = Object.keys(en) as MessageKey[];
const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();

/** Keys built from a state or role name carry that prefix in the code. */
const builtFrom = [
  "login.",
  "history.",
  "document.",
  "models.",
  "theme.",
  "account.roles_",
  "keys.scope_",
  "glass.state_",
  "roles.about_",
  "roles.can_",
  "access.you_",
  "access.they_",
  "access.limit_",
];

function isUsed(key: string): boolean {
  const base = key.replace(/_(one|other)$/, "");
  if (code.includes(`"${key}"`) || code.includes(`"${base}"`)) return true;
  return builtFrom.some((prefix) => key.startsWith(prefix) && code.includes(`\`${prefix}$`));
}

describe("string tables", () => {
  it("hold the same keys in every language", () => {
    expect(Object.keys(ja)).toEqual(keys);
  });

  it("fill in the same values in every language", () => {
    for (const key of keys) expect(placeholders(ja[key]), key).toEqual(placeholders(en[key]));
  });

  it("hold no key that nothing shows", () => {
    expect(keys.filter((key) => !isUsed(key))).toEqual([]);
  });
});

describe("plural forms", () => {
  it("follow the language", () => {
    expect(translatorFor("en").count("chat.reading", 1)).toBe("Reading 1 passage");
    expect(translatorFor("en").count("chat.reading", 8)).toBe("Reading 8 passages");
    expect(translatorFor("ja").count("chat.sources", 1)).toBe("出典 1 件");
  });
});
