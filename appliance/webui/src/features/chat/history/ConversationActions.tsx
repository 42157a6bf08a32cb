import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { deleteConversation, renameConversation } from "@/api/conversations";
import type { ConversationSummary } from "@/api/types";
import { queries } from "@/app/queries";
import { useTurnStreams } from "@/features/chat/streams";
import { useI18n } from "@/i18n";
import { ConfirmDialog, NameDialog } from "@/ui/Dialog";
import { Menu, MenuItem } from "@/ui/Menu";

export function ConversationActions({
  conversation,
  title,
}: {
  conversation: ConversationSummary;
  title: string;
}) {
  const { t } = useI18n();
  const [dialog, setDialog] = useState<"rename" | "delete" | null>(null);
  const close = () => setDialog(null);
  const rename = useRename(conversation.id, close);
  const remove = useDelete(conversation.id, close);
  return (
    <>
      <Menu className="history__actions" label={t("history.actions", { title })}>
        <MenuItem icon="pen" onSelect={() => setDialog("rename")}>
          {t("action.rename")}
        </MenuItem>
        <MenuItem icon="bin" danger onSelect={() => setDialog("delete")}>
          {t("action.delete")}
        </MenuItem>
      </Menu>
      {dialog === "rename" && (
        <NameDialog
          title={t("history.rename_title")}
          label={t("history.name")}
          action={t("action.save")}
          initial={conversation.title}
          busy={rename.isPending}
          error={rename.error}
          onSubmit={(name) => rename.mutate(name)}
          onClose={close}
        />
      )}
      {dialog === "delete" && (
        <ConfirmDialog
          title={t("history.delete_title")}
          body={t("history.delete_body", { title })}
          action={t("action.delete")}
          busy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate()}
          onClose={close}
        />
      )}
    </>
  );
}

function useRename(id: string, done: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (title: string) => renameConversation(id, title),
    onSuccess: () => {
      done();
      void client.invalidateQueries({ queryKey: queries.conversations.queryKey });
      void client.invalidateQueries({ queryKey: queries.conversation(id).queryKey });
    },
  });
}

function useDelete(id: string, done: () => void) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const streams = useTurnStreams();
  const { pathname } = useLocation();
  return useMutation({
    mutationFn: () => deleteConversation(id),
    onSuccess: async () => {
      done();
      if (pathname === `/c/${id}`) await navigate({ to: "/" });
      streams.forget(id);
      client.removeQueries({ queryKey: queries.conversation(id).queryKey });
      await client.invalidateQueries({ queryKey: queries.conversations.queryKey });
    },
  });
}
