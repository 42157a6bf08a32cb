import { describe, expect, it } from "vitest";
import { readEvents } from "@/api/sse";
import type { AnswerEvent, Turn } from "@/api/types";
import failedLog from "@/features/chat/__logs__/failed.sse?raw";
import groundedLog from "@/features/chat/__logs__/grounded.sse?raw";
import { stageText } from "@/features/chat/stage";
import {
  askedTurn,
  keptTurn,
  mergeTurns,
  reduceTurn,
  type TurnEvent,
  type TurnView,
} from "@/features/chat/turn";
import { translatorFor } from "@/i18n";

const english = translatorFor("en");
const asked = askedTurn("asked-1", "How many days of leave?", "documents", 3);

async function eventsOf(log: string): Promise<AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  const stream = new Blob([log]).stream() as ReadableStream<Uint8Array>;
  for await (const { name, data } of readEvents(stream)) events.push({ type: name, ...JSON.parse(data) });
  return events;
}

const replay = (events: TurnEvent[], from: TurnView = asked) => events.reduce(reduceTurn, from);

describe("a recorded grounded answer", () => {
  it("tells each stage in words", async () => {
    const events = await eventsOf(groundedLog);
    const texts = events.slice(0, 5).map((_, index) => stageText(replay(events.slice(0, index)), english));
    expect(texts).toEqual([
      "Sending the question…",
      "Waiting for the answer…",
      "Searching 3 collections",
      "Searching 3 collections",
      "Reading 8 passages",
    ]);
  });

  it("grows by its tokens and ends with its citations", async () => {
    const events = await eventsOf(groundedLog);
    expect(replay(events.slice(0, -2)).answer).toBe("You have 25 days");
    const done = replay(events);
    expect(done).toMatchObject({ state: "finished", grounding: "grounded", stage: null });
    expect(done.answer).toBe("You have 25 days of leave [1].");
    expect(done.citations.map((citation) => citation.page)).toEqual([3]);
  });

  it("keeps its screen after Stop, whatever still arrives", async () => {
    const events = await eventsOf(groundedLog);
    const stopped = replay([...events.slice(0, -1), { type: "stopped" }, ...events.slice(-2)]);
    expect(stopped).toMatchObject({ state: "stopped", answer: "You have 25 days of leave [1]." });
    expect(stopped.citations).toEqual([]);
  });

  it("still learns the id of a turn that was stopped before it was named", async () => {
    const [named] = await eventsOf(groundedLog);
    expect(replay([{ type: "stopped" }, named as AnswerEvent]).id).toMatch(/^7f3e/);
  });
});

describe("a recorded failure", () => {
  it("keeps the question and the text so far, and says when to retry", async () => {
    const failed = replay(await eventsOf(failedLog));
    expect(failed).toMatchObject({
      state: "failed",
      question: "How many days of leave?",
      answer: "You have",
      failure: { message: "The engine is restarting, about 40 s.", retryAfterS: 40 },
    });
  });
});

describe("kept and live turns", () => {
  const kept = (change: Partial<Turn>): TurnView =>
    keptTurn({
      id: "t1",
      question: "How many days of leave?",
      answer: "You have 25",
      state: "running",
      grounding: "",
      citations: [],
      searched: [],
      assistant_id: null,
      created_at: "2026-03-01T10:00:00Z",
      ...change,
    });
  const live = replay([
    { type: "turn", id: "t1", conversation_id: "c" },
    { type: "token", text: "You have 25 days" },
  ]);

  it("show the live one while its stream runs", () => {
    expect(mergeTurns([kept({})], [live])).toEqual([live]);
  });

  it("show the kept one once it has ended, in the same place", () => {
    const [shown] = mergeTurns([kept({ state: "finished", answer: "All of it." })], [live]);
    expect(shown).toMatchObject({ key: "asked-1", state: "finished", answer: "All of it." });
  });

  it("follow the server when the stream was lost", () => {
    const lost = reduceTurn(live, { type: "detached" });
    const [shown] = mergeTurns([kept({ answer: "You have 25 days of" })], [lost]);
    expect(shown).toMatchObject({ state: "running", answer: "You have 25 days of", detached: true });
  });

  it("show a stop at once", () => {
    const [shown] = mergeTurns([kept({})], [reduceTurn(live, { type: "stopped" })]);
    expect(shown?.state).toBe("stopped");
  });

  it("put a question that the server does not know yet at the end", () => {
    const turns = mergeTurns([kept({ state: "finished" })], [asked]);
    expect(turns.map((turn) => turn.key)).toEqual(["t1", "asked-1"]);
  });
});
