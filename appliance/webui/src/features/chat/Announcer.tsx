import { stageText } from "@/features/chat/stage";
import type { TurnView } from "@/features/chat/turn";
import { useI18n } from "@/i18n";

/**
 * For screen readers: each stage as it begins and the whole answer once at its end, rather than every token.
 */
export function Announcer({ turn }: { turn: TurnView | undefined }) {
  const translator = useI18n();
  return (
    <div className="visually-hidden" role="status" aria-live="polite">
      {turn?.key.startsWith("asked-") ? announcement(turn, translator) : ""}
    </div>
  );
}

function announcement(turn: TurnView, translator: ReturnType<typeof useI18n>): string {
  if (turn.state === "running") return stageText(turn, translator);
  if (turn.state === "finished") return `${translator.t("chat.announce_done")} ${turn.answer}`;
  return "";
}
