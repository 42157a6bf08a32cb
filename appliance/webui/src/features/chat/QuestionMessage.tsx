import { MessagePrimitive } from "@assistant-ui/react";
import { useMessageTurn } from "@/features/chat/runtime";
import { useI18n } from "@/i18n";

export function QuestionMessage() {
  const { t } = useI18n();
  const { question } = useMessageTurn();
  return (
    <MessagePrimitive.Root className="question">
      <h2 className="visually-hidden">{t("chat.you")}</h2>
      <p className="question__text">{question}</p>
    </MessagePrimitive.Root>
  );
}
