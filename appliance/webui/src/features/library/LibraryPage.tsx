import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { createCollection } from "@/api/library";
import type { Collection } from "@/api/types";
import { queries } from "@/app/queries";
import { CollectionCounts } from "@/features/library/CollectionCounts";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { NameDialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Notice";
import { Empty, SkeletonRows } from "@/ui/States";
import { useTitle } from "@/ui/useTitle";
import "@/features/library/library.css";

export function LibraryPage() {
  const { t } = useI18n();
  const collections = useQuery(queries.collections);
  const [creating, setCreating] = useState(false);
  useTitle(t("library.title"));
  const create = (
    <Button look="primary" icon="plus" onClick={() => setCreating(true)}>
      {t("library.new")}
    </Button>
  );
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t("library.title")}</h1>
          <p className="page__intro">{t("library.intro")}</p>
        </div>
        {collections.data?.length !== 0 && create}
      </header>
      {collections.isPending && <SkeletonRows />}
      {collections.isError && <ErrorNotice error={collections.error} onRetry={() => collections.refetch()} />}
      {collections.data?.length === 0 && (
        <Empty title={t("library.empty_title")}>
          <p>{t("library.empty_body")}</p>
          {create}
        </Empty>
      )}
      <ul className="collections">
        {collections.data?.map((collection) => (
          <CollectionCard key={collection.id} collection={collection} />
        ))}
      </ul>
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
    </div>
  );
}

function CollectionCard({ collection }: { collection: Collection }) {
  const { t } = useI18n();
  return (
    <li>
      <Link className="collection-card" to="/library/$collectionId" params={{ collectionId: collection.id }}>
        <span className="collection-card__name">{collection.name}</span>
        {collection.description && <span className="quiet">{collection.description}</span>}
        <CollectionCounts counts={collection.counts} />
        <span className="collection-card__owner">{t("library.owner", { name: collection.owner.name })}</span>
      </Link>
    </li>
  );
}

function CreateDialog({ onClose }: { onClose(): void }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: createCollection,
    onSuccess: async (collection) => {
      void client.invalidateQueries({ queryKey: queries.collections.queryKey });
      await navigate({ to: "/library/$collectionId", params: { collectionId: collection.id } });
    },
  });
  return (
    <NameDialog
      title={t("library.new_title")}
      label={t("library.name")}
      action={t("action.create")}
      busy={create.isPending}
      error={create.error}
      onSubmit={(name, form) => create.mutate({ name, description: String(form.get("description")).trim() })}
      onClose={onClose}
    >
      <Field label={t("library.description")} name="description" maxLength={1000} autoComplete="off" />
    </NameDialog>
  );
}
