import type { TurnView } from "@/features/chat/turn";
import type { Translator } from "@/i18n";

/** What goes on now, in the reader's language; the number comes from the server's detail ("3 collections"). */
export function stageText(turn: TurnView, { t, count }: Translator): string {
  const number = Number(/\d+/.exec(turn.stageDetail)?.[0] ?? Number.NaN);
  switch (turn.stage) {
    case null:
      return t(turn.id ? "chat.waiting" : "chat.sending");
    case "searching":
      return Number.isNaN(number) ? t("chat.searching") : count("chat.searching_in", number);
    case "reading": {
      const passages = turn.passageCount ?? number;
      return Number.isNaN(passages) ? t("chat.reading_some") : count("chat.reading", passages);
    }
    case "writing":
      return t("chat.writing");
  }
}
