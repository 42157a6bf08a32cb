import { createContext, use } from "react";
import type { Citation } from "@/api/types";

/** What the marks inside one answer need to know. */
export interface AnswerContextValue {
  citations: Citation[];
  /** The passage that the panel shows now. */
  openPassageId: string | null;
  open(citation: Citation): void;
}

export const AnswerContext = createContext<AnswerContextValue>({
  citations: [],
  openPassageId: null,
  open: () => undefined,
});

export const useAnswer = () => use(AnswerContext);
