import { useQuery } from "@tanstack/react-query";
import { queries } from "@/app/queries";
import type { Dimension } from "@/features/keys/scope";
import { useI18n } from "@/i18n";

interface Choice {
  id: string;
  name: string;
}

/** What a key may be for, by name. */
export function useChoices(): Record<Dimension, Choice[]> {
  const models = useQuery(queries.models).data ?? [];
  const assistants = useQuery(queries.assistants).data ?? [];
  const collections = useQuery(queries.collections).data ?? [];
  const endpoints = useQuery(queries.keyEndpoints).data ?? [];
  return {
    models: models.map(({ id }) => ({ id, name: id })),
    assistants: assistants.map(({ id, name }) => ({ id, name })),
    collections: collections.map(({ id, name }) => ({ id, name })),
    endpoints: endpoints.map((id) => ({ id, name: id })),
  };
}

/** Closed, the key is for everything; the ticks inside come back in the form data under the group's name. */
export function ScopeFields() {
  const { t } = useI18n();
  const choices = useChoices();
  return (
    <details className="key-scope">
      <summary>{t("keys.narrow")}</summary>
      <p className="quiet">{t("keys.narrow_hint")}</p>
      {(Object.keys(choices) as Dimension[]).map((dimension) => (
        <fieldset className="checks key-scope__group" key={dimension}>
          <legend>{t(`keys.scope_${dimension}`)}</legend>
          {choices[dimension].map((choice) => (
            <label className="check" key={choice.id}>
              <input type="checkbox" name={dimension} value={choice.id} />
              <span className="breakable">{choice.name}</span>
            </label>
          ))}
          {choices[dimension].length === 0 && <span className="quiet">{t("keys.scope_none")}</span>}
        </fieldset>
      ))}
    </details>
  );
}
