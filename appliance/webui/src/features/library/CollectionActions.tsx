import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { changeCollection, deleteCollection } from "@/api/library";
import type { Collection, Reader } from "@/api/types";
import { queries } from "@/app/queries";
import { ViewAsDialog } from "@/features/access/ViewAsDialog";
import { ReadersEditor } from "@/features/library/Readers";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { ConfirmDialog, NameDialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";

export function CollectionActions({ collection }: { collection: Collection }) {
  const { t } = useI18n();
  const [dialog, setDialog] = useState<"edit" | "delete" | "view" | null>(null);
  return (
    <div className="page__actions">
      <Button icon="pen" onClick={() => setDialog("edit")}>
        {t("library.edit")}
      </Button>
      <Button icon="people" onClick={() => setDialog("view")}>
        {t("view.open")}
      </Button>
      <Button icon="bin" onClick={() => setDialog("delete")}>
        {t("action.delete")}
      </Button>
      {dialog === "edit" && <EditDialog collection={collection} onClose={() => setDialog(null)} />}
      {dialog === "view" && <ViewAsDialog collection={collection} onClose={() => setDialog(null)} />}
      {dialog === "delete" && <DeleteDialog collection={collection} onClose={() => setDialog(null)} />}
    </div>
  );
}

interface DialogProps {
  collection: Collection;
  onClose(): void;
}

function EditDialog({ collection, onClose }: DialogProps) {
  const { t } = useI18n();
  const client = useQueryClient();
  const [readers, setReaders] = useState<Reader[]>(collection.readers);
  const save = useMutation({
    mutationFn: (change: { name: string; description: string }) =>
      changeCollection(collection.id, { ...change, readers }),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: queries.collection(collection.id).queryKey });
      await client.invalidateQueries({ queryKey: queries.collections.queryKey });
    },
  });
  return (
    <NameDialog
      title={t("library.edit_title")}
      label={t("library.name")}
      action={t("action.save")}
      initial={collection.name}
      busy={save.isPending}
      error={save.error}
      onSubmit={(name, form) => save.mutate({ name, description: String(form.get("description")).trim() })}
      onClose={onClose}
    >
      <Field
        label={t("library.description")}
        name="description"
        defaultValue={collection.description}
        maxLength={1000}
      />
      <ReadersEditor readers={readers} onChange={setReaders} />
    </NameDialog>
  );
}

function DeleteDialog({ collection, onClose }: DialogProps) {
  const { t } = useI18n();
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => deleteCollection(collection.id),
    onSuccess: async () => {
      await navigate({ to: "/library" });
      client.removeQueries({ queryKey: queries.collection(collection.id).queryKey });
      await client.invalidateQueries({ queryKey: queries.collections.queryKey });
    },
  });
  return (
    <ConfirmDialog
      title={t("library.delete_title", { name: collection.name })}
      body={t("library.delete_body")}
      action={t("action.delete")}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    />
  );
}
