import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import type { ConversationSummary } from "@/api/types";
import { queries } from "@/app/queries";
import { ConversationActions } from "@/features/chat/history/ConversationActions";
import { byDay, type Day } from "@/features/chat/history/days";
import { useI18n } from "@/i18n";
import { ErrorNotice } from "@/ui/Notice";

export function History() {
  const { t } = useI18n();
  const conversations = useQuery(queries.conversations);
  const [query, setQuery] = useState("");
  const search = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const focusSearch = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      search.current?.focus();
    };
    document.addEventListener("keydown", focusSearch);
    return () => document.removeEventListener("keydown", focusSearch);
  }, []);

  const wanted = query.trim().toLowerCase();
  const found = conversations.data?.filter((item) => item.title.toLowerCase().includes(wanted)) ?? [];
  return (
    <section className="history" aria-label={t("history.title")}>
      <input
        ref={search}
        className="input input--compact"
        type="search"
        value={query}
        placeholder={t("history.search")}
        aria-label={t("history.search")}
        aria-keyshortcuts="Control+K Meta+K"
        onChange={(event) => setQuery(event.target.value)}
      />
      <div className="history__list">
        {conversations.isError && <ErrorNotice error={conversations.error} onRetry={conversations.refetch} />}
        {conversations.data?.length === 0 && <p className="quiet">{t("history.none")}</p>}
        {wanted !== "" && found.length === 0 && <p className="quiet">{t("history.no_match", { query })}</p>}
        {byDay(found, new Date()).map((day) => (
          <HistoryDay key={day.key} day={day} />
        ))}
      </div>
    </section>
  );
}

function HistoryDay({ day }: { day: Day }) {
  const { t, language } = useI18n();
  const label =
    day.label instanceof Date
      ? new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(day.label)
      : t(`history.${day.label}`);
  return (
    <section className="history__day">
      <h2 className="history__label">{label}</h2>
      <ul className="history__items">
        {day.conversations.map((conversation) => (
          <HistoryItem key={conversation.id} conversation={conversation} />
        ))}
      </ul>
    </section>
  );
}

function HistoryItem({ conversation }: { conversation: ConversationSummary }) {
  const { t } = useI18n();
  const title = conversation.title || t("history.untitled");
  return (
    <li className="history__item">
      <Link
        className="history__link"
        to="/c/$conversationId"
        params={{ conversationId: conversation.id }}
        title={title}
      >
        {title}
      </Link>
      <ConversationActions conversation={conversation} title={title} />
    </li>
  );
}
