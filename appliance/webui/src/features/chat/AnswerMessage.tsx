import { MessagePrimitive } from "@assistant-ui/react";
import { lazy, Suspense, useMemo } from "react";
import { AnswerNotes } from "@/features/chat/AnswerNotes";
import { AnswerContext } from "@/features/chat/answerContext";
import { useChat } from "@/features/chat/chatContext";
import { useMessageTurn } from "@/features/chat/runtime";
import { stageText } from "@/features/chat/stage";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";

/** The Markdown reader is a file of its own: the empty chat page does without it. */
const Markdown = lazy(() => import("@/features/chat/markdown/Markdown"));

export function AnswerMessage() {
  const { t } = useI18n();
  const turn = useMessageTurn();
  const chat = useChat();
  const { citations, key } = turn;
  const { openPassageId, openSource } = chat;
  const context = useMemo(
    () => ({
      citations,
      openPassageId,
      open: (citation: (typeof citations)[number]) => openSource(key, citation),
    }),
    [citations, openPassageId, openSource, key],
  );
  const running = turn.state === "running";
  return (
    <MessagePrimitive.Root className="answer" aria-busy={running}>
      <h2 className="visually-hidden">{t("chat.answer")}</h2>
      {running && <StageLine />}
      {turn.answer !== "" && (
        <AnswerContext value={context}>
          <div className={`prose ${turn.grounding === "unsupported" ? "prose--unsupported" : ""}`}>
            <Suspense fallback={<p className="prose__plain">{turn.answer}</p>}>
              <Markdown text={turn.answer} />
            </Suspense>
          </div>
        </AnswerContext>
      )}
      <AnswerNotes turn={turn} />
      {!running && <AnswerActions />}
    </MessagePrimitive.Root>
  );
}

function StageLine() {
  const turn = useMessageTurn();
  const translator = useI18n();
  return (
    <p className="stage">
      <span className="stage__dot" aria-hidden="true" />
      {turn.detached ? translator.t("chat.lost") : stageText(turn, translator)}
    </p>
  );
}

function AnswerActions() {
  const { t, count } = useI18n();
  const turn = useMessageTurn();
  const chat = useChat();
  return (
    <div className="answer__actions">
      {turn.citations.length > 0 && (
        <Button small icon="document" onClick={() => chat.openSources(turn.key)}>
          {count("chat.sources", turn.citations.length)}
        </Button>
      )}
      {turn.answer !== "" && <CopyButton text={turn.answer} />}
      <Button
        small
        look={turn.state === "failed" ? "plain" : "quiet"}
        icon="retry"
        disabled={chat.running}
        onClick={() => chat.retry(turn)}
      >
        {t("action.retry")}
      </Button>
    </div>
  );
}
