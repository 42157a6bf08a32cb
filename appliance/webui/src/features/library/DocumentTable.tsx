import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { deleteDocument } from "@/api/library";
import type { Document } from "@/api/types";
import { documentsKey, queries } from "@/app/queries";
import { DocumentState } from "@/features/library/DocumentState";
import { useI18n } from "@/i18n";
import { formatBytes, formatMoment } from "@/i18n/format";
import { Button, IconButton } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/Dialog";

interface DocumentTableProps {
  documents: Document[];
  canWrite: boolean;
  onMore?: () => void;
}

export function DocumentTable({ documents, canWrite, onMore }: DocumentTableProps) {
  const { t } = useI18n();
  const [deleting, setDeleting] = useState<Document | null>(null);
  return (
    <>
      <div className="table-wrap">
        <table className="table documents">
          <thead>
            <tr>
              <th scope="col">{t("library.column_name")}</th>
              <th scope="col">{t("library.column_state")}</th>
              <th scope="col" className="number hide-narrow">
                {t("library.column_passages")}
              </th>
              <th scope="col" className="number hide-narrow">
                {t("library.column_size")}
              </th>
              <th scope="col" className="hide-narrow">
                {t("library.column_updated")}
              </th>
              {canWrite && (
                <th scope="col">
                  <span className="visually-hidden">{t("library.column_actions")}</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {documents.map((document) => (
              <DocumentRow
                key={document.id}
                document={document}
                onDelete={canWrite ? () => setDeleting(document) : undefined}
              />
            ))}
          </tbody>
        </table>
      </div>
      {onMore && <Button onClick={onMore}>{t("library.more")}</Button>}
      {deleting && <DeleteDialog document={deleting} onClose={() => setDeleting(null)} />}
    </>
  );
}

function DocumentRow({ document, onDelete }: { document: Document; onDelete?: () => void }) {
  const { t, language } = useI18n();
  return (
    <tr>
      <td className="documents__name">
        <Link
          to="/library/$collectionId/$documentId"
          params={{ collectionId: document.collection_id, documentId: document.id }}
        >
          {document.name}
        </Link>
        {document.path !== document.name && <span className="documents__path">{document.path}</span>}
      </td>
      <td>
        <DocumentState document={document} />
      </td>
      <td className="number hide-narrow">{document.passage_count || "–"}</td>
      <td className="number hide-narrow">{formatBytes(document.size_bytes, language)}</td>
      <td className="hide-narrow documents__moment">{formatMoment(document.updated_at, language)}</td>
      {onDelete && (
        <td className="documents__actions">
          <IconButton
            small
            icon="bin"
            label={t("library.actions_for", { name: document.name })}
            onClick={onDelete}
          />
        </td>
      )}
    </tr>
  );
}

function DeleteDialog({ document, onClose }: { document: Document; onClose(): void }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteDocument(document.id),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: documentsKey(document.collection_id) });
      await client.invalidateQueries({ queryKey: queries.collection(document.collection_id).queryKey });
    },
  });
  return (
    <ConfirmDialog
      title={t("library.delete_document_title", { name: document.name })}
      body={t("library.delete_document_body")}
      action={t("action.delete")}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    />
  );
}
