import type { TurnView } from "@/features/chat/turn";
import { useI18n } from "@/i18n";
import { Notice } from "@/ui/Notice";

/** What the reader must know about an answer beside its text: how well it is founded, or why it broke off. */
export function AnswerNotes({ turn }: { turn: TurnView }) {
  const { t, language } = useI18n();
  if (turn.state === "failed") return <FailureNote turn={turn} />;
  if (turn.state === "stopped") return <p className="answer__note">{t("chat.stopped")}</p>;
  if (turn.state !== "finished") return null;
  if (turn.grounding === "unsupported") return <Notice tone="warning">{t("chat.unsupported")}</Notice>;
  if (turn.grounding === "not_in_documents") {
    const collections = new Intl.ListFormat(language).format(turn.searched);
    return (
      <Notice tone="notice">
        {t("chat.not_in_documents")} {collections && t("chat.not_in_documents_where", { collections })}
      </Notice>
    );
  }
  if (turn.grounding === "no_search") return <p className="answer__note">{t("chat.no_search")}</p>;
  return null;
}

function FailureNote({ turn }: { turn: TurnView }) {
  const { t } = useI18n();
  const seconds = turn.failure?.retryAfterS;
  return (
    <Notice tone="danger" role="alert">
      <p>{turn.failure?.message || t("chat.failed")}</p>
      <p className="quiet">
        {seconds ? `${t("chat.retry_in", { seconds: Math.ceil(seconds) })} ` : ""}
        {t("chat.question_kept")}
      </p>
    </Notice>
  );
}
