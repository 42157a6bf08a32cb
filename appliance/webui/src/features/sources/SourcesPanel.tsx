import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import type { Citation } from "@/api/types";
import { WhyButton } from "@/features/access/WhyButton";
import { SourcePage } from "@/features/sources/SourcePage";
import { useI18n } from "@/i18n";
import { buttonClass, IconButton } from "@/ui/Button";
import { Icon } from "@/ui/Icon";
import "@/features/sources/sources.css";

interface SourcesPanelProps {
  citations: Citation[];
  /** Null shows the list of all sources of the answer. */
  passageId: string | null;
  onSelect(passageId: string | null): void;
  onClose(): void;
}

/** Beside the answer (over it on a phone): its sources, and the page of the one that is chosen. */
export default function SourcesPanel({ citations, passageId, onSelect, onClose }: SourcesPanelProps) {
  const { t } = useI18n();
  const root = useRef<HTMLElement>(null);
  const chosen = citations.find((citation) => citation.passage_id === passageId);
  useEffect(() => {
    const before = document.activeElement;
    root.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <aside
      className="sources"
      ref={root}
      tabIndex={-1}
      aria-label={t("source.panel")}
      onKeyDown={(event) => event.key === "Escape" && onClose()}
    >
      <header className="sources__head">
        {chosen && citations.length > 1 && (
          <IconButton icon="left" label={t("source.back")} onClick={() => onSelect(null)} />
        )}
        <h2 className="sources__title">{chosen ? chosen.document_name : t("source.title")}</h2>
        <IconButton icon="close" label={t("action.close")} onClick={onClose} />
      </header>
      <div className="sources__body">
        {chosen ? (
          <ChosenSource key={chosen.passage_id} citation={chosen} />
        ) : (
          <SourceList citations={citations} onSelect={onSelect} />
        )}
      </div>
    </aside>
  );
}

function SourceList({ citations, onSelect }: { citations: Citation[]; onSelect(passageId: string): void }) {
  return (
    <ol className="source-list">
      {citations.map((citation) => (
        <li key={citation.number}>
          <button type="button" className="source-card" onClick={() => onSelect(citation.passage_id)}>
            <span className="source-card__head">
              <span className="citation citation--static">{citation.number}</span>
              <span className="source-card__name">{citation.document_name}</span>
            </span>
            <span className="source-card__quote">{citation.quote}</span>
            <SourcePlace citation={citation} />
          </button>
        </li>
      ))}
    </ol>
  );
}

function SourcePlace({ citation }: { citation: Citation }) {
  const { t } = useI18n();
  const place = [
    citation.collection_name,
    citation.page !== null && t("source.page", { page: citation.page }),
    ...citation.heading_path,
  ];
  return <span className="source-place">{place.filter(Boolean).join(" › ")}</span>;
}

function ChosenSource({ citation }: { citation: Citation }) {
  const { t } = useI18n();
  const [page, setPage] = useState(citation.page ?? 1);
  return (
    <>
      <blockquote className="source-quote">
        <span className="citation citation--static">{citation.number}</span>
        <span className="visually-hidden">{t("source.quote")}: </span>
        {citation.quote}
      </blockquote>
      <SourcePlace citation={citation} />
      <div className="sources__links">
        <Link
          className={buttonClass("plain", true)}
          to="/library/$collectionId/$documentId"
          params={{ collectionId: citation.collection_id, documentId: citation.document_id }}
          search={{ page, passage: citation.passage_id }}
        >
          <Icon name="external" />
          {t("source.open")}
        </Link>
      </div>
      <WhyButton documentId={citation.document_id} />
      <SourcePage
        documentId={citation.document_id}
        documentName={citation.document_name}
        page={page}
        onPage={setPage}
        passageId={citation.passage_id}
        quote={citation.quote}
      />
    </>
  );
}
