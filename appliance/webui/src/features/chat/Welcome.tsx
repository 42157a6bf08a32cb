import type { AskScope } from "@/features/chat/scope";
import { useI18n } from "@/i18n";

/** A new chat: what may be asked, as the assistant's own examples. */
export function Welcome({ scope, ask }: { scope: AskScope; ask(question: string): void }) {
  const { t } = useI18n();
  return (
    <div className="welcome">
      <h1>{t("chat.greeting")}</h1>
      <p className="quiet">{scope.assistant?.description ?? t("product.promise")}</p>
      <ul className="starters">
        {scope.assistant?.starters.slice(0, 4).map((starter) => (
          <li key={starter}>
            <button type="button" className="starter" onClick={() => ask(starter)}>
              {starter}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
