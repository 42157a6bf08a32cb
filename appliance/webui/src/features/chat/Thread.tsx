import { AuiIf, ThreadPrimitive } from "@assistant-ui/react";
import type { ReactNode } from "react";
import { AnswerMessage } from "@/features/chat/AnswerMessage";
import { Composer } from "@/features/chat/Composer";
import { QuestionMessage } from "@/features/chat/QuestionMessage";
import { useI18n } from "@/i18n";
import { IconButton } from "@/ui/Button";

const messages = { UserMessage: QuestionMessage, AssistantMessage: AnswerMessage };

interface ThreadProps {
  /** Shown in place of the messages while there are none. */
  empty: ReactNode;
  /** Between the messages and the question box: which assistant, which collections, what went wrong. */
  above: ReactNode;
}

/** The view follows new text only while the reader is at its end; else a button leads there. */
export function Thread({ empty, above }: ThreadProps) {
  const { t } = useI18n();
  return (
    <ThreadPrimitive.Root className="thread">
      <ThreadPrimitive.Viewport className="thread__viewport" tabIndex={-1}>
        <AuiIf condition={({ thread }) => thread.messages.length === 0}>{empty}</AuiIf>
        <div className="thread__messages">
          <ThreadPrimitive.Messages components={messages} />
        </div>
        <ThreadPrimitive.ViewportFooter className="thread__foot">
          <AuiIf condition={({ thread }) => thread.messages.length > 0}>
            <ThreadPrimitive.ScrollToBottom asChild>
              <IconButton className="thread__to-end" icon="down" look="plain" label={t("chat.to_end")} />
            </ThreadPrimitive.ScrollToBottom>
          </AuiIf>
          {above}
          <Composer />
        </ThreadPrimitive.ViewportFooter>
      </ThreadPrimitive.Viewport>
    </ThreadPrimitive.Root>
  );
}
