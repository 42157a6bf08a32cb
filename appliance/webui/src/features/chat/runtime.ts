import { type ThreadMessageLike, useAuiState, useExternalStoreRuntime } from "@assistant-ui/react";
import { useMemo, useState } from "react";
import type { TurnView } from "@/features/chat/turn";

/** assistant-ui thinks in messages: a turn is two of them, its question and its answer. */
interface TurnMessage {
  turn: TurnView;
  role: "user" | "assistant";
}

interface ChatRuntimeOptions {
  turns: TurnView[];
  isSendDisabled: boolean;
  ask(question: string): Promise<void>;
  stop(): Promise<void>;
}

/** Our turns are the only state; the library renders them, follows the end, and runs the composer. */
export function useChatRuntime({ turns, isSendDisabled, ask, stop }: ChatRuntimeOptions) {
  // The library converts a message anew only when the object is another one: a turn keeps its two.
  const [messagesOf] = useState(() => new WeakMap<TurnView, TurnMessage[]>());
  const messages = useMemo(
    () =>
      turns.flatMap((turn) => {
        const known = messagesOf.get(turn);
        if (known) return known;
        const made: TurnMessage[] = [
          { turn, role: "user" },
          { turn, role: "assistant" },
        ];
        messagesOf.set(turn, made);
        return made;
      }),
    [turns, messagesOf],
  );
  return useExternalStoreRuntime<TurnMessage>({
    messages,
    isRunning: turns.some((turn) => turn.state === "running"),
    isSendDisabled,
    convertMessage,
    onNew: async (message) => {
      const question = message.content.map((part) => (part.type === "text" ? part.text : "")).join("");
      await ask(question.trim());
    },
    onCancel: stop,
  });
}

function convertMessage({ turn, role }: TurnMessage): ThreadMessageLike {
  return {
    id: `${turn.key}:${role}`,
    role,
    content: [{ type: "text", text: role === "user" ? turn.question : turn.answer }],
    metadata: { custom: { turn } },
    ...(role === "assistant" ? { status: statusOf(turn) } : {}),
  };
}

function statusOf(turn: TurnView): ThreadMessageLike["status"] {
  if (turn.state === "running") return { type: "running" };
  if (turn.state === "finished") return { type: "complete", reason: "stop" };
  return { type: "incomplete", reason: turn.state === "stopped" ? "cancelled" : "error" };
}

/** The turn of the message that is being rendered. */
export function useMessageTurn(): TurnView {
  return useAuiState((state) => state.message.metadata.custom.turn as TurnView);
}
