import type { Document, DocumentState as State } from "@/api/types";
import { useI18n } from "@/i18n";
import type { Tone } from "@/ui/Notice";
import { Badge } from "@/ui/States";
import "@/features/library/library.css";

const tones: Record<State, Tone | undefined> = {
  queued: undefined,
  processing: "notice",
  indexed: "ok",
  partial: "warning",
  refused: "danger",
};

/** State as a word and, where people need it, why; in work with how far it is. */
export function DocumentState({ document }: { document: Document }) {
  const { t } = useI18n();
  const { state, percent, reason } = document;
  return (
    <div className="document-state">
      <Badge tone={tones[state]}>{t(`document.${state}`)}</Badge>
      {state === "processing" && (
        <progress
          className="progress"
          max={100}
          value={percent}
          aria-label={`${document.name}: ${t("document.processing")}`}
        />
      )}
      {reason && (state === "partial" || state === "refused") && (
        <p className="document-state__reason">{reason}</p>
      )}
    </div>
  );
}
