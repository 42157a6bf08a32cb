import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Assistant, Question } from "@/api/types";
import { queries } from "@/app/queries";

const storageKey = "appliance.assistant";

export interface AskScope {
  assistants: Assistant[] | undefined;
  assistant: Assistant | undefined;
  chooseAssistant(id: string): void;
  /** Null asks all collections that the person may read. */
  collectionIds: string[] | null;
  chooseCollections(ids: string[] | null): void;
  /** How many collections that is; null while unknown and where no documents are asked. */
  askedCount: number | null;
  questionOf(text: string): Question;
}

/** Whom and what the next question asks; the assistant is remembered on this device. */
export function useAskScope(lastAssistantId: string | null): AskScope {
  const { data: assistants } = useQuery(queries.assistants);
  const { data: collections } = useQuery(queries.collections);
  const [chosen, setChosen] = useState<string | null>(null);
  const [collectionIds, setCollectionIds] = useState<string[] | null>(null);
  const wanted = [chosen, lastAssistantId, localStorage.getItem(storageKey)];
  const assistant =
    wanted.map((id) => assistants?.find((item) => item.id === id)).find(Boolean) ?? assistants?.[0];
  return {
    assistants,
    assistant,
    chooseAssistant: (id) => {
      localStorage.setItem(storageKey, id);
      setChosen(id);
    },
    collectionIds,
    chooseCollections: setCollectionIds,
    askedCount: assistant?.kind === "documents" ? ((collectionIds ?? collections)?.length ?? null) : null,
    questionOf: (text) => ({
      question: text,
      ...(assistant && { assistant_id: assistant.id }),
      ...(assistant?.kind === "documents" && collectionIds && { collection_ids: collectionIds }),
    }),
  };
}
