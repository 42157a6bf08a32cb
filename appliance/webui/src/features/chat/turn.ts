/** One turn as the page shows it: a single reducer over the answer events and what happens on this side. */

import type { AnswerEvent, AnswerStage, Citation, Grounding, Turn, TurnState } from "@/api/types";

export interface TurnFailure {
  message: string;
  retryAfterS: number | null;
}

export interface TurnView {
  /** Stable from the moment of asking, before the server has given the turn its id. */
  key: string;
  id: string | null;
  question: string;
  assistantId: string | null;
  answer: string;
  state: TurnState;
  stage: AnswerStage | null;
  /** How many collections the question went to; null when none are asked, or after a reload. */
  askedCount: number | null;
  passageCount: number | null;
  searched: string[];
  citations: Citation[];
  grounding: Grounding | null;
  failure: TurnFailure | null;
  /** The stream broke although the turn goes on at the server. */
  detached: boolean;
}

/** What the reader or the network did, beside what the server sent. */
export type LocalEvent = { type: "stopped" } | { type: "detached" } | { type: "rejected"; message: string };

export type TurnEvent = AnswerEvent | LocalEvent;

export function askedTurn(
  key: string,
  question: string,
  assistantId: string | null,
  askedCount: number | null,
): TurnView {
  return {
    key,
    id: null,
    question,
    assistantId,
    answer: "",
    state: "running",
    stage: null,
    askedCount,
    passageCount: null,
    searched: [],
    citations: [],
    grounding: null,
    failure: null,
    detached: false,
  };
}

export function keptTurn(turn: Turn): TurnView {
  return {
    ...askedTurn(turn.id, turn.question, turn.assistant_id, null),
    id: turn.id,
    answer: turn.answer,
    state: turn.state,
    searched: turn.searched,
    citations: turn.citations,
    grounding: turn.grounding || null,
    failure: turn.error ? { message: turn.error.message, retryAfterS: null } : null,
  };
}

/** Once a turn has ended, nothing that still arrives changes it: after Stop the screen stays as it was. */
export function reduceTurn(turn: TurnView, event: TurnEvent): TurnView {
  if (turn.state !== "running") return event.type === "turn" ? { ...turn, id: event.id } : turn;
  switch (event.type) {
    case "turn":
      return { ...turn, id: event.id };
    case "stage":
      return { ...turn, stage: event.stage };
    case "passages":
      return { ...turn, passageCount: event.count, searched: event.searched };
    case "token":
      return { ...turn, stage: "writing", answer: turn.answer + event.text };
    case "finished":
      return {
        ...turn,
        state: "finished",
        stage: null,
        answer: event.text,
        citations: event.citations,
        grounding: event.grounding,
        searched: event.searched,
      };
    case "failed":
      return ended(turn, { message: event.message, retryAfterS: event.retry_after_s ?? null });
    case "rejected":
      return ended(turn, { message: event.message, retryAfterS: null });
    case "stopped":
      return { ...turn, state: "stopped", stage: null };
    case "detached":
      return { ...turn, detached: true };
  }
}

function ended(turn: TurnView, failure: TurnFailure): TurnView {
  return { ...turn, state: "failed", stage: null, failure };
}

/**
 * The kept turns, and the live ones where a stream of ours knows more. A live turn gives way to the kept one
 * as soon as that has ended too, or when its own stream is gone.
 */
export function mergeTurns(kept: TurnView[], live: TurnView[]): TurnView[] {
  if (live.length === 0) return kept;
  const merged = kept.map((theirs) => {
    const mine = live.find((view) => view.id === theirs.id);
    return mine ? newerOf(theirs, mine) : theirs;
  });
  const keptIds = new Set(kept.map((turn) => turn.id));
  return [...merged, ...live.filter((view) => view.id === null || !keptIds.has(view.id))];
}

function newerOf(theirs: TurnView, mine: TurnView): TurnView {
  // A stop of ours shows at once, although the server may still be winding down.
  if (theirs.state === "running" && (mine.state !== "running" || !mine.detached)) return mine;
  return { ...theirs, key: mine.key, detached: mine.detached, failure: mine.failure ?? theirs.failure };
}
