import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createKey, revokeKey } from "@/api/session";
import type { ApiKey } from "@/api/types";
import { queries } from "@/app/queries";
import { Secret } from "@/features/account/Secret";
import { useI18n } from "@/i18n";
import { formatDate } from "@/i18n/format";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/States";

const usualDays = 90;
const longestDays = 400;

export function KeysSection() {
  const { t } = useI18n();
  const keys = useQuery(queries.keys);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  return (
    <section className="section">
      <h2>{t("keys.title")}</h2>
      <p className="section__intro">{t("keys.intro")}</p>
      <CreateKey />
      {keys.isPending && <SkeletonRows rows={1} />}
      {keys.isError && <ErrorNotice error={keys.error} onRetry={() => keys.refetch()} />}
      {keys.data?.length === 0 && <p className="quiet">{t("keys.none")}</p>}
      <ul className="rows">
        {keys.data?.map((key) => (
          <KeyRow key={key.id} apiKey={key} onRevoke={() => setRevoking(key)} />
        ))}
      </ul>
      {revoking && <RevokeDialog apiKey={revoking} onClose={() => setRevoking(null)} />}
    </section>
  );
}

function CreateKey() {
  const { t } = useI18n();
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: (form: FormData) => createKey(String(form.get("name")).trim(), Number(form.get("days"))),
    onSuccess: () => client.invalidateQueries({ queryKey: queries.keys.queryKey }),
  });
  return (
    <>
      <form
        className="form__row"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate(new FormData(event.currentTarget));
          event.currentTarget.reset();
        }}
      >
        <Field label={t("keys.name")} name="name" required maxLength={100} autoComplete="off" />
        <Field
          label={t("keys.days")}
          name="days"
          type="number"
          min={1}
          max={longestDays}
          defaultValue={usualDays}
          required
        />
        <Button type="submit" icon="plus" disabled={create.isPending}>
          {t("keys.create")}
        </Button>
      </form>
      {create.isError && <ErrorNotice error={create.error} />}
      {create.data && <Secret text={create.data.key} note={t("keys.once")} />}
    </>
  );
}

function KeyRow({ apiKey, onRevoke }: { apiKey: ApiKey; onRevoke(): void }) {
  const { t, language } = useI18n();
  const used = apiKey.last_used_at
    ? t("keys.used", { date: formatDate(apiKey.last_used_at, language) })
    : t("keys.unused");
  return (
    <li className="rows__row">
      <div className="rows__main">
        <strong>{apiKey.name}</strong> <code>{apiKey.prefix}…</code>
        <div className="quiet">
          {t("keys.expires", { date: formatDate(apiKey.expires_at, language) })} · {used}
        </div>
      </div>
      <Button small onClick={onRevoke}>
        {t("keys.revoke")}
      </Button>
    </li>
  );
}

function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose(): void }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => revokeKey(apiKey.id),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: queries.keys.queryKey });
    },
  });
  return (
    <ConfirmDialog
      title={t("keys.revoke_title", { name: apiKey.name })}
      body={t("keys.revoke_body")}
      action={t("keys.revoke")}
      busy={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
    />
  );
}
