import { createContext, use } from "react";
import type { Citation } from "@/api/types";
import type { TurnView } from "@/features/chat/turn";

/** What the parts of one chat page share. */
export interface ChatContextValue {
  running: boolean;
  openPassageId: string | null;
  openSource(turnKey: string, citation: Citation): void;
  openSources(turnKey: string): void;
  retry(turn: TurnView): void;
}

export const ChatContext = createContext<ChatContextValue | null>(null);

export function useChat(): ChatContextValue {
  const chat = use(ChatContext);
  if (!chat) throw new Error("useChat outside a chat page");
  return chat;
}
