import type { TurnView } from "@/features/chat/turn";
import type { Translator } from "@/i18n";

/** What goes on now, in the reader's language; the server's `detail` is in that of the question. */
export function stageText(turn: TurnView, { t, count }: Translator): string {
  switch (turn.stage) {
    case null:
      return t(turn.id ? "chat.waiting" : "chat.sending");
    case "searching":
      return turn.askedCount === null ? t("chat.searching") : count("chat.searching_in", turn.askedCount);
    case "reading":
      return turn.passageCount === null ? t("chat.reading_some") : count("chat.reading", turn.passageCount);
    case "writing":
      return t("chat.writing");
  }
}
