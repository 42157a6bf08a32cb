import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useId } from "react";
import { queries } from "@/app/queries";
import type { AskScope } from "@/features/chat/scope";
import { useI18n } from "@/i18n";
import { Icon } from "@/ui/Icon";

/** One line above the question box: who answers, and from which collections. */
export function ScopeBar({ scope }: { scope: AskScope }) {
  const { t } = useI18n();
  const id = useId();
  if (!scope.assistants) return <div className="scope" />;
  if (!scope.assistant) return <p className="scope quiet">{t("chat.no_assistants")}</p>;
  return (
    <div className="scope">
      <label className="visually-hidden" htmlFor={id}>
        {t("chat.assistant")}
      </label>
      <select
        id={id}
        className="scope__select"
        value={scope.assistant.id}
        onChange={(event) => scope.chooseAssistant(event.target.value)}
      >
        {scope.assistants.map((assistant) => (
          <option key={assistant.id} value={assistant.id}>
            {assistant.name}
          </option>
        ))}
      </select>
      {scope.assistant.kind === "documents" ? (
        <CollectionChoice scope={scope} />
      ) : (
        <span className="quiet">{t("chat.asks_model")}</span>
      )}
    </div>
  );
}

function CollectionChoice({ scope }: { scope: AskScope }) {
  const { t, count } = useI18n();
  const { data: collections } = useQuery(queries.collections);
  if (!collections) return null;
  if (collections.length === 0) {
    return (
      <span className="quiet">
        {t("chat.no_collections")} <Link to="/library">{t("chat.open_library")}</Link>
      </span>
    );
  }
  const chosen = scope.collectionIds;
  const toggle = (id: string) => {
    const now = chosen ?? collections.map((collection) => collection.id);
    const next = now.includes(id) ? now.filter((item) => item !== id) : [...now, id];
    scope.chooseCollections(next.length === 0 || next.length === collections.length ? null : next);
  };
  return (
    <details
      className="choice"
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) event.currentTarget.open = false;
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") event.currentTarget.open = false;
      }}
    >
      <summary className="scope__select">
        <Icon name="library" />
        <span className="visually-hidden">{t("chat.asks_collections")}: </span>
        {chosen ? count("chat.some_collections", chosen.length) : t("chat.all_collections")}
      </summary>
      {/* Focusable, so that a click on the words of a line does not count as leaving. */}
      <fieldset className="choice__list" tabIndex={-1}>
        <legend className="visually-hidden">{t("chat.asks_collections")}</legend>
        {collections.map((collection) => (
          <label key={collection.id} className="choice__item">
            <input
              type="checkbox"
              checked={!chosen || chosen.includes(collection.id)}
              onChange={() => toggle(collection.id)}
            />
            <span>{collection.name}</span>
            <span className="quiet">{count("library.documents", collection.counts.total)}</span>
          </label>
        ))}
      </fieldset>
    </details>
  );
}
