import { createContext, type ReactNode, use, useEffect, useMemo, useState } from "react";
import { en, type MessageKey, type PluralKey } from "@/i18n/en";
import { ja } from "@/i18n/ja";

export const languages = { en: "English", ja: "日本語" } as const;
export type Language = keyof typeof languages;
type Values = Record<string, string | number>;

export interface Translator {
  language: Language;
  setLanguage(language: Language): void;
  t(key: MessageKey, values?: Values): string;
  /** Chooses the plural form by `count`, which is filled in as well. */
  count(key: PluralKey, count: number): string;
}

const tables: Record<Language, Record<MessageKey, string>> = { en, ja };
const storageKey = "appliance.language";
const TranslatorContext = createContext<Translator | null>(null);

export function fill(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function translatorFor(
  language: Language,
  setLanguage: (language: Language) => void = () => undefined,
): Translator {
  const t = (key: MessageKey, values?: Values) => fill(tables[language][key], values);
  const plural = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(language);
  return {
    language,
    setLanguage,
    t,
    count: (key, count) => {
      const form = plural.select(count) === "one" ? "one" : "other";
      return t(`${key}_${form}` as MessageKey, { count: number.format(count) });
    },
  };
}

function firstLanguage(): Language {
  const chosen = localStorage.getItem(storageKey);
  if (chosen === "en" || chosen === "ja") return chosen;
  return navigator.language.startsWith("ja") ? "ja" : "en";
}

export function I18nProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const translator = useMemo(
    () =>
      translatorFor(language, (next) => {
        localStorage.setItem(storageKey, next);
        setLanguage(next);
      }),
    [language],
  );
  return <TranslatorContext value={translator}>{children}</TranslatorContext>;
}

export function useI18n(): Translator {
  const translator = use(TranslatorContext);
  if (!translator) throw new Error("useI18n outside I18nProvider");
  return translator;
}
