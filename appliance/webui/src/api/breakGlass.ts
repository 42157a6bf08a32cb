import { getJson, send, sendJson } from "@/api/http";
import type { BreakGlass, BreakGlassNotice, Conversation, ConversationSummary } from "@/api/types";

const path = (id: string) => `/api/break-glass/${encodeURIComponent(id)}`;

export interface BreakGlassWish {
  person_id: string;
  reason: string;
  minutes: number;
}

export type Decision = "approve" | "refuse" | "end";

export const fetchBreakGlass = () => getJson<BreakGlass[]>("/api/break-glass");

export const askBreakGlass = (wish: BreakGlassWish) => sendJson<BreakGlass>("POST", "/api/break-glass", wish);

export const decideBreakGlass = (id: string, decision: Decision) =>
  sendJson<BreakGlass>("POST", `${path(id)}/${decision}`, {});

export const fetchOpened = (id: string) => getJson<ConversationSummary[]>(`${path(id)}/conversations`);

export const fetchOpenedConversation = (id: string, conversationId: string) =>
  getJson<Conversation>(`${path(id)}/conversations/${encodeURIComponent(conversationId)}`);

export const fetchNotices = () => getJson<BreakGlassNotice[]>("/api/me/notices");

export const markSeen = (id: string) =>
  send(`/api/me/notices/${encodeURIComponent(id)}/seen`, { method: "POST" });
