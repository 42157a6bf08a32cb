import { useId, useRef, useState } from "react";
import type { Citation } from "@/api/types";
import { useAnswer } from "@/features/chat/answerContext";
import { useI18n } from "@/i18n";

const tipWidthPx = 340;
const marginPx = 12;

/** `[1]` in an answer. Until its citation is known it is quiet text. */
export function CitationMark({ number }: { number: number }) {
  const { citations } = useAnswer();
  const citation = citations.find((item) => item.number === number);
  return citation ? <CitationButton citation={citation} /> : <sup className="citation-pending">{number}</sup>;
}

function CitationButton({ citation }: { citation: Citation }) {
  const { t } = useI18n();
  const { open, openPassageId } = useAnswer();
  const ref = useRef<HTMLButtonElement>(null);
  const tipId = useId();
  const [place, setPlace] = useState<TipPlace | null>(null);
  const show = () => ref.current && setPlace(placeOf(ref.current.getBoundingClientRect()));
  const hide = () => setPlace(null);
  const values = { number: citation.number, document: citation.document_name, page: citation.page ?? "" };
  return (
    <span className="citation-wrap">
      <button
        ref={ref}
        type="button"
        className="citation"
        aria-label={t(citation.page === null ? "chat.citation" : "chat.citation_page", values)}
        aria-describedby={place ? tipId : undefined}
        aria-pressed={openPassageId === citation.passage_id}
        onClick={() => {
          hide();
          open(citation);
        }}
        onMouseEnter={show}
        onMouseLeave={hide}
        onFocus={(event) => event.currentTarget.matches(":focus-visible") && show()}
        onBlur={hide}
        onKeyDown={(event) => event.key === "Escape" && hide()}
      >
        {citation.number}
      </button>
      {place && (
        <span className="quote-tip" role="tooltip" id={tipId} style={place}>
          <span className="quote-tip__quote">{citation.quote}</span>
          <span className="quote-tip__from">
            {citation.document_name}
            {citation.page !== null && ` · ${t("source.page", { page: citation.page })}`}
          </span>
        </span>
      )}
    </span>
  );
}

interface TipPlace {
  left: number;
  width: number;
  top?: number;
  bottom?: number;
}

/** Beside the mark and inside the window: above it, or below where there is more room. */
function placeOf(mark: DOMRect): TipPlace {
  const width = Math.min(tipWidthPx, window.innerWidth - 2 * marginPx);
  const left = Math.min(Math.max(marginPx, mark.left - width / 3), window.innerWidth - width - marginPx);
  const above = mark.top > window.innerHeight / 2;
  return above
    ? { left, width, bottom: window.innerHeight - mark.top + 8 }
    : { left, width, top: mark.bottom + 8 };
}
