import { useQuery } from "@tanstack/react-query";
import { queries } from "@/app/queries";
import { PageImage } from "@/features/sources/PageImage";
import { PageText } from "@/features/sources/PageText";
import { useI18n } from "@/i18n";
import { IconButton } from "@/ui/Button";
import { ErrorNotice, Notice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/States";
import "@/features/sources/sources.css";

interface SourcePageProps {
  documentId: string;
  documentName: string;
  page: number;
  onPage(page: number): void;
  /** The passage to show, whose version of the document is then the one shown. */
  passageId: string | null;
  quote?: string;
}

/** One page of a document, with a passage of it highlighted: as an image where there is one, and as text. */
export function SourcePage({ documentId, documentName, page, onPage, passageId, quote }: SourcePageProps) {
  const { t } = useI18n();
  const passage = useQuery({ ...queries.passage(passageId ?? ""), enabled: passageId !== null });
  const version = passage.data?.version_number ?? null;
  const shown = useQuery({
    ...queries.page(documentId, page, version),
    enabled: passageId === null || !passage.isPending,
    placeholderData: (previous) => previous,
  });
  if (shown.isPending) return <SkeletonRows rows={1} kind="page" />;
  if (shown.isError) return <ErrorNotice error={shown.error} onRetry={() => shown.refetch()} />;

  const data = shown.data;
  const boxes = passage.data?.boxes.filter(([onPage_]) => onPage_ === data.page).map(([, box]) => box) ?? [];
  const text = (
    <PageText
      key={`${data.page} ${passageId}`}
      blocks={data.blocks}
      passageText={passage.data?.text ?? null}
      quote={quote ?? null}
    />
  );
  return (
    <div className="source-page">
      {passage.isError && <ErrorNotice error={passage.error} />}
      {passage.data?.is_current === false && <Notice tone="warning">{t("source.older")}</Notice>}
      {data.page_count > 1 && (
        <nav className="source-page__nav" aria-label={t("source.page_of", { page, count: data.page_count })}>
          <IconButton
            icon="left"
            label={t("source.previous")}
            disabled={page <= 1}
            onClick={() => onPage(page - 1)}
          />
          <span aria-live="polite">{t("source.page_of", { page: data.page, count: data.page_count })}</span>
          <IconButton
            icon="right"
            label={t("source.next")}
            disabled={page >= data.page_count}
            onClick={() => onPage(page + 1)}
          />
        </nav>
      )}
      {data.has_image ? (
        <>
          <PageImage
            key={`${data.page} ${passageId}`}
            page={data}
            documentName={documentName}
            boxes={boxes}
          />
          <details className="source-page__text">
            <summary>{t("source.show_text")}</summary>
            {text}
          </details>
        </>
      ) : (
        text
      )}
    </div>
  );
}
