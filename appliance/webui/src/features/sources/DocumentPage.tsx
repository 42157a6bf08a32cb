import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { fileUrl } from "@/api/library";
import type { DocumentDetail } from "@/api/types";
import { queries } from "@/app/queries";
import { WhyButton } from "@/features/access/WhyButton";
import { DocumentState } from "@/features/library/DocumentState";
import { SourcePage } from "@/features/sources/SourcePage";
import { useI18n } from "@/i18n";
import { formatBytes, formatMoment } from "@/i18n/format";
import { buttonClass } from "@/ui/Button";
import { Icon } from "@/ui/Icon";
import { ErrorNotice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/States";
import { useTitle } from "@/ui/useTitle";

const route = "/shell/library/$collectionId/$documentId";

/** The source page: a document, one of its pages, and a passage of it highlighted. */
export function DocumentPage() {
  const { documentId } = useParams({ from: route });
  const { passage, page } = useSearch({ from: route });
  const navigate = useNavigate({ from: "/library/$collectionId/$documentId" });
  const document = useQuery(queries.document(documentId));
  const quoted = useQuery({ ...queries.passage(passage ?? ""), enabled: passage !== undefined });
  useTitle(document.data?.name ?? "");
  if (document.isPending || (passage && !page && quoted.isPending)) {
    return (
      <div className="page">
        <SkeletonRows rows={1} kind="page" />
      </div>
    );
  }
  if (document.isError) {
    return (
      <div className="page">
        <ErrorNotice error={document.error} onRetry={() => document.refetch()} />
      </div>
    );
  }
  const published = document.data.versions.some(({ state }) => state === "indexed" || state === "partial");
  return (
    <div className="page">
      <DocumentHead document={document.data} />
      <WhyButton documentId={documentId} />
      {published && (
        <SourcePage
          documentId={documentId}
          documentName={document.data.name}
          page={page ?? quoted.data?.page ?? 1}
          onPage={(next) => navigate({ search: (search) => ({ ...search, page: next }), replace: true })}
          passageId={passage ?? null}
        />
      )}
      <Versions document={document.data} />
    </div>
  );
}

function DocumentHead({ document }: { document: DocumentDetail }) {
  const { t } = useI18n();
  const { collectionId } = useParams({ from: route });
  const collection = useQuery(queries.collection(collectionId));
  return (
    <>
      <nav className="crumbs">
        <Link to="/library">{t("library.title")}</Link>
        <span aria-hidden="true">›</span>
        <Link to="/library/$collectionId" params={{ collectionId }}>
          {collection.data?.name ?? "…"}
        </Link>
      </nav>
      <header className="page__head">
        <div>
          <h1 className="breakable">{document.name}</h1>
          <DocumentState document={document} />
        </div>
        <div className="page__actions">
          <a className={buttonClass("plain")} href={fileUrl(document.id)} download={document.name}>
            <Icon name="download" />
            {t("action.download")}
          </a>
        </div>
      </header>
    </>
  );
}

function Versions({ document }: { document: DocumentDetail }) {
  const { t, language } = useI18n();
  if (document.versions.length === 0) return null;
  return (
    <details className="versions">
      <summary>{t("source.versions")}</summary>
      <ul>
        {document.versions.map((version) => (
          <li key={version.number}>
            {t("source.version", { version: version.number })} · {t(`document.${version.state}`)} ·{" "}
            {formatBytes(version.size_bytes, language)} · {formatMoment(version.created_at, language)} ·{" "}
            <code>{version.sha256.slice(0, 12)}</code>
          </li>
        ))}
      </ul>
    </details>
  );
}
