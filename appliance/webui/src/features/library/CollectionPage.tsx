import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { Collection } from "@/api/types";
import { queries } from "@/app/queries";
import { CollectionActions } from "@/features/library/CollectionActions";
import { CollectionCounts } from "@/features/library/CollectionCounts";
import { DocumentTable } from "@/features/library/DocumentTable";
import { useDocuments, useProgress } from "@/features/library/documents";
import { ReadersSummary } from "@/features/library/Readers";
import { DropArea, UploadButtons, UploadReport } from "@/features/library/UploadArea";
import { useUploads } from "@/features/library/uploads";
import { useI18n } from "@/i18n";
import { ErrorNotice } from "@/ui/Notice";
import { Empty, SkeletonRows } from "@/ui/States";
import { useTitle } from "@/ui/useTitle";
import "@/features/library/library.css";

export function CollectionPage() {
  const { collectionId } = useParams({ from: "/shell/library/$collectionId" });
  const collection = useQuery(queries.collection(collectionId));
  useTitle(collection.data?.name ?? "");
  return (
    <div className="page">
      {collection.isPending && <SkeletonRows />}
      {collection.isError && <ErrorNotice error={collection.error} onRetry={() => collection.refetch()} />}
      {collection.data && <CollectionView key={collectionId} collection={collection.data} />}
    </div>
  );
}

function CollectionView({ collection }: { collection: Collection }) {
  const { uploads, add, retry, dismiss } = useUploads(collection.id);
  useProgress(collection.id);
  const body = (
    <>
      <UploadReport uploads={uploads} onRetry={retry} onDismiss={dismiss} />
      <Documents collection={collection} />
    </>
  );
  return (
    <>
      <CollectionHead collection={collection} />
      {collection.can_write ? (
        <DropArea onFiles={add}>
          <div className="drop__bar">
            <UploadButtons onFiles={add} />
          </div>
          {body}
        </DropArea>
      ) : (
        body
      )}
    </>
  );
}

function CollectionHead({ collection }: { collection: Collection }) {
  const { t } = useI18n();
  return (
    <>
      <nav className="crumbs">
        <Link to="/library">{t("library.title")}</Link>
      </nav>
      <header className="page__head">
        <div>
          <h1 className="breakable">{collection.name}</h1>
          {collection.description && <p className="page__intro">{collection.description}</p>}
          <p className="collection-facts">
            <CollectionCounts counts={collection.counts} />
            <span>{t("library.owner", { name: collection.owner.name })}</span>
            <ReadersSummary readers={collection.readers} />
          </p>
        </div>
        {collection.can_write && <CollectionActions collection={collection} />}
      </header>
    </>
  );
}

function Documents({ collection }: { collection: Collection }) {
  const { t } = useI18n();
  const documents = useDocuments(collection.id);
  if (documents.isPending) return <SkeletonRows rows={6} />;
  if (documents.isError) return <ErrorNotice error={documents.error} onRetry={() => documents.refetch()} />;
  const items = documents.data.pages.flatMap((list) => list.items);
  if (items.length === 0) {
    return (
      <Empty title={t("library.no_documents_title")}>
        <p>{t(collection.can_write ? "library.no_documents_body" : "library.no_documents_reader")}</p>
        {collection.can_write && <p className="quiet">{t("library.drop")}</p>}
      </Empty>
    );
  }
  return (
    <DocumentTable
      documents={items}
      canWrite={collection.can_write}
      onMore={documents.hasNextPage ? () => documents.fetchNextPage() : undefined}
    />
  );
}
