import type { QueryClient } from "@tanstack/react-query";
import { createContext, use, useCallback, useSyncExternalStore } from "react";
import { askInConversation, stopTurn } from "@/api/conversations";
import { ApiError } from "@/api/http";
import type { Question } from "@/api/types";
import { queries } from "@/app/queries";
import { askedTurn, reduceTurn, type TurnEvent, type TurnView } from "@/features/chat/turn";

/** Tokens of this stretch of time are shown together: the text is parsed 20 times a second, not 200. */
const batchMs = 50;
const nothing: TurnView[] = [];

/**
 * The turns asked from this tab, by conversation. It lives above the pages, so an answer goes on while its
 * reader looks at the library.
 */
export class TurnStreams {
  private readonly turns = new Map<string, TurnView[]>();
  private readonly aborts = new Map<string, AbortController>();
  private readonly listeners = new Set<() => void>();
  private readonly client: QueryClient;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private lastKey = 0;

  constructor(client: QueryClient) {
    this.client = client;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  of(conversationId: string | null): TurnView[] {
    return (conversationId && this.turns.get(conversationId)) || nothing;
  }

  /** The question is on the screen when this returns its promise; the promise ends with the turn. */
  async ask(conversationId: string, question: Question, askedCount: number | null): Promise<void> {
    this.lastKey += 1;
    const key = `asked-${this.lastKey}`;
    const abort = new AbortController();
    this.aborts.set(key, abort);
    const turn = askedTurn(key, question.question, question.assistant_id ?? null, askedCount);
    this.turns.set(conversationId, [...this.of(conversationId), turn]);
    this.publish();
    try {
      for await (const event of askInConversation(conversationId, question, abort.signal)) {
        this.apply(conversationId, key, event);
      }
      this.lose(conversationId, key, new ApiError(0, "unreachable", "The connection ended too early."));
    } catch (error) {
      if (!abort.signal.aborted) this.lose(conversationId, key, error);
    } finally {
      this.aborts.delete(key);
      this.publish();
      this.refresh(conversationId);
    }
  }

  /** Stops here at once, and asks the server to stop its engine. */
  async stop(conversationId: string): Promise<void> {
    const running = this.of(conversationId).find((turn) => turn.state === "running");
    const kept = this.client
      .getQueryData(queries.conversation(conversationId).queryKey)
      ?.turns.find((turn) => turn.state === "running");
    const turnId = running?.id ?? kept?.id;
    if (running) {
      this.apply(conversationId, running.key, { type: "stopped" });
      this.publish();
    }
    try {
      if (turnId) await stopTurn(conversationId, turnId);
    } finally {
      if (running) this.aborts.get(running.key)?.abort();
      this.refresh(conversationId);
    }
  }

  /** A failed turn that is asked again, or a deleted conversation, needs no place any more. */
  forget(conversationId: string, key?: string): void {
    const rest = key ? this.of(conversationId).filter((turn) => turn.key !== key) : nothing;
    this.turns.set(conversationId, rest);
    this.publish();
  }

  private apply(conversationId: string, key: string, event: TurnEvent): void {
    const turns = this.of(conversationId).map((turn) => (turn.key === key ? reduceTurn(turn, event) : turn));
    this.turns.set(conversationId, turns);
    if (event.type === "turn") this.client.invalidateQueries({ queryKey: queries.conversations.queryKey });
    this.timer ??= setTimeout(() => this.publish(), batchMs);
  }

  /** The stream is over. A turn that the server knows goes on there; one it never took has failed. */
  private lose(conversationId: string, key: string, error: unknown): void {
    const turn = this.of(conversationId).find((view) => view.key === key);
    if (turn?.state !== "running") return;
    if (turn.id) {
      this.apply(conversationId, key, { type: "detached" });
      return;
    }
    const message =
      error instanceof ApiError ? [error.message, error.remedy].filter(Boolean).join(" ") : String(error);
    this.apply(conversationId, key, { type: "rejected", message });
  }

  private refresh(conversationId: string): void {
    this.client.invalidateQueries({ queryKey: queries.conversation(conversationId).queryKey });
    this.client.invalidateQueries({ queryKey: queries.conversations.queryKey });
  }

  private publish(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    for (const listener of this.listeners) listener();
  }
}

export const TurnStreamsContext = createContext<TurnStreams | null>(null);

export function useTurnStreams(): TurnStreams {
  const streams = use(TurnStreamsContext);
  if (!streams) throw new Error("useTurnStreams outside its provider");
  return streams;
}

export function useLiveTurns(conversationId: string | null): TurnView[] {
  const streams = useTurnStreams();
  const snapshot = useCallback(() => streams.of(conversationId), [streams, conversationId]);
  return useSyncExternalStore(streams.subscribe, snapshot);
}
