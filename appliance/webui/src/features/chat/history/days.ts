import type { ConversationSummary } from "@/api/types";

export interface Day {
  /** Local calendar day, such as 2026-03-01. */
  key: string;
  label: "today" | "yesterday" | Date;
  conversations: ConversationSummary[];
}

const dayMs = 24 * 60 * 60 * 1000;
const keyOf = (moment: Date) =>
  `${moment.getFullYear()}-${String(moment.getMonth() + 1).padStart(2, "0")}-${String(moment.getDate()).padStart(2, "0")}`;

/** Groups conversations, newest first, by the reader's own calendar days. */
export function byDay(conversations: ConversationSummary[], now: Date): Day[] {
  const today = keyOf(now);
  // Noon, so that a day of 23 or 25 hours does not matter.
  const yesterday = keyOf(new Date(new Date(now).setHours(12, 0, 0, 0) - dayMs));
  const days = new Map<string, Day>();
  for (const conversation of conversations) {
    const moment = new Date(conversation.updated_at);
    const key = keyOf(moment);
    const label = key === today ? "today" : key === yesterday ? "yesterday" : moment;
    const day = days.get(key) ?? { key, label, conversations: [] };
    day.conversations.push(conversation);
    days.set(key, day);
  }
  return [...days.values()].sort((a, b) => b.key.localeCompare(a.key));
}
