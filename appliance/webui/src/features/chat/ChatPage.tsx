import { AssistantRuntimeProvider } from "@assistant-ui/react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useState } from "react";
import { createConversation } from "@/api/conversations";
import { queries } from "@/app/queries";
import { Announcer } from "@/features/chat/Announcer";
import { ChatContext, type ChatContextValue } from "@/features/chat/chatContext";
import { useChatRuntime } from "@/features/chat/runtime";
import { ScopeBar } from "@/features/chat/ScopeBar";
import { useAskScope } from "@/features/chat/scope";
import { useLiveTurns, useTurnStreams } from "@/features/chat/streams";
import { Thread } from "@/features/chat/Thread";
import { keptTurn, mergeTurns, type TurnView } from "@/features/chat/turn";
import { Welcome } from "@/features/chat/Welcome";
import { useI18n } from "@/i18n";
import { ErrorNotice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/States";
import { useTitle } from "@/ui/useTitle";
import "@/features/chat/chat.css";
import "@/features/chat/answer.css";

const SourcesPanel = lazy(() => import("@/features/sources/SourcesPanel"));

export function NewChatPage() {
  const { t } = useI18n();
  useTitle(t("nav.new_chat"));
  return <Chat conversationId={null} turns={noTurns} />;
}

const noTurns: TurnView[] = [];

export function ConversationPage() {
  const { t } = useI18n();
  const { conversationId } = useParams({ from: "/shell/c/$conversationId" });
  const conversation = useQuery(queries.conversation(conversationId));
  const live = useLiveTurns(conversationId);
  const kept = useMemo(() => conversation.data?.turns.map(keptTurn) ?? [], [conversation.data?.turns]);
  const turns = useMemo(() => mergeTurns(kept, live), [kept, live]);
  useTitle(conversation.data?.title || t("chat.title"));
  if (conversation.isPending && live.length === 0) {
    return (
      <div className="page">
        <SkeletonRows rows={3} />
      </div>
    );
  }
  if (conversation.isError && !conversation.data && live.length === 0) {
    return (
      <div className="page">
        <ErrorNotice error={conversation.error} onRetry={() => conversation.refetch()} />
      </div>
    );
  }
  return (
    <>
      <h1 className="visually-hidden">{conversation.data?.title || t("chat.title")}</h1>
      <Chat key={conversationId} conversationId={conversationId} turns={turns} />
    </>
  );
}

interface OpenSources {
  turnKey: string;
  passageId: string | null;
}

function Chat({ conversationId, turns }: { conversationId: string | null; turns: TurnView[] }) {
  const streams = useTurnStreams();
  const navigate = useNavigate();
  const scope = useAskScope(turns.at(-1)?.assistantId ?? null);
  const [sources, setSources] = useState<OpenSources | null>(null);
  const [startError, setStartError] = useState<unknown>(null);
  const running = turns.some((turn) => turn.state === "running");

  async function ask(question: string): Promise<void> {
    setStartError(null);
    if (conversationId) return void streams.ask(conversationId, scope.questionOf(question), scope.askedCount);
    try {
      const { id } = await createConversation();
      void streams.ask(id, scope.questionOf(question), scope.askedCount);
      await navigate({ to: "/c/$conversationId", params: { conversationId: id } });
    } catch (error) {
      setStartError(error);
      runtime.thread.composer.setText(question);
    }
  }

  const runtime = useChatRuntime({
    turns,
    isSendDisabled: running,
    ask,
    stop: async () => {
      if (conversationId) await streams.stop(conversationId);
    },
  });

  const chat: ChatContextValue = {
    running,
    openPassageId: sources?.passageId ?? null,
    openSource: (turnKey, citation) => setSources({ turnKey, passageId: citation.passage_id }),
    openSources: (turnKey) => setSources({ turnKey, passageId: null }),
    retry: (turn) => {
      // A turn that never reached the server is replaced; a kept one stays, and the question is asked anew.
      if (conversationId && turn.id === null) streams.forget(conversationId, turn.key);
      void ask(turn.question);
    },
  };

  const shown = turns.find((turn) => turn.key === sources?.turnKey);
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <ChatContext value={chat}>
        <div className={`chat ${shown ? "chat--with-sources" : ""}`}>
          <Thread
            empty={<Welcome scope={scope} ask={(question) => void ask(question)} />}
            above={
              <>
                {startError ? <ErrorNotice error={startError} /> : null}
                <ScopeBar scope={scope} />
              </>
            }
          />
          {sources && shown && (
            <Suspense fallback={null}>
              <SourcesPanel
                citations={shown.citations}
                passageId={sources.passageId}
                onSelect={(passageId) => setSources({ turnKey: shown.key, passageId })}
                onClose={() => setSources(null)}
              />
            </Suspense>
          )}
          <Announcer turn={turns.at(-1)} />
        </div>
      </ChatContext>
    </AssistantRuntimeProvider>
  );
}
