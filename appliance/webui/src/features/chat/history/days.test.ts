import { expect, it } from "vitest";
import { byDay } from "@/features/chat/history/days";

const at = (moment: Date) => ({ id: String(moment), title: "t", updated_at: moment.toISOString() });

it("groups conversations by the reader's calendar days, newest first", () => {
  const now = new Date(2026, 2, 30, 0, 30);
  const days = byDay([at(now), at(new Date(2026, 2, 29, 23, 50)), at(new Date(2026, 2, 27, 9))], now);
  expect(days.map((day) => [day.key, typeof day.label === "string" ? day.label : "date"])).toEqual([
    ["2026-03-30", "today"],
    ["2026-03-29", "yesterday"],
    ["2026-03-27", "date"],
  ]);
});
