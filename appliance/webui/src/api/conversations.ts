import { getJson, send, sendJson } from "@/api/http";
import { readEvents } from "@/api/sse";
import type { AnswerEvent, Assistant, Conversation, ConversationSummary, Question } from "@/api/types";

const pathOf = (id: string) => `/api/conversations/${encodeURIComponent(id)}`;

export const fetchAssistants = () => getJson<Assistant[]>("/api/assistants");

export const fetchConversations = () => getJson<ConversationSummary[]>("/api/conversations");

export const fetchConversation = (id: string) => getJson<Conversation>(pathOf(id));

export const createConversation = () => sendJson<ConversationSummary>("POST", "/api/conversations", {});

export const renameConversation = (id: string, title: string) =>
  sendJson<ConversationSummary>("PATCH", pathOf(id), { title });

export const deleteConversation = (id: string) => send(pathOf(id), { method: "DELETE" });

export const stopTurn = (conversationId: string, turnId: string) =>
  send(`${pathOf(conversationId)}/turns/${encodeURIComponent(turnId)}/stop`, { method: "POST" });

const eventNames: ReadonlySet<string> = new Set([
  "turn",
  "stage",
  "passages",
  "token",
  "finished",
  "failed",
] satisfies AnswerEvent["type"][]);

/** Asks, and yields the answer events as they come; an event name of a later server is passed over. */
export async function* askInConversation(
  conversationId: string,
  question: Question,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  const response = await send(`${pathOf(conversationId)}/turns`, {
    method: "POST",
    body: question,
    signal,
    accept: "text/event-stream",
  });
  if (!response.body) return;
  for await (const { name, data } of readEvents(response.body)) {
    if (eventNames.has(name)) yield { type: name, ...JSON.parse(data) } as AnswerEvent;
  }
}
