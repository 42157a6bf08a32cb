import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createKey, type KeyHolder, revokeKey } from "@/api/keys";
import type { ApiKey } from "@/api/types";
import { queries } from "@/app/queries";
import { Secret } from "@/features/account/Secret";
import { RotateDialog } from "@/features/keys/RotateDialog";
import { ScopeFields, useChoices } from "@/features/keys/ScopeFields";
import { narrowedBy, scopeOf } from "@/features/keys/scope";
import { useI18n } from "@/i18n";
import { formatDate } from "@/i18n/format";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Notice";
import { Badge, SkeletonRows } from "@/ui/States";

const usualDays = 90;
export const longestDays = 400;

/** Keys of one account: make, list, rotate, revoke. */
export function KeyList({ holder }: { holder: KeyHolder }) {
  const { t } = useI18n();
  const keys = useQuery(queries.keys(holder));
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const [rotating, setRotating] = useState<ApiKey | null>(null);
  return (
    <>
      <CreateKey holder={holder} />
      {keys.isPending && <SkeletonRows rows={1} />}
      {keys.isError && <ErrorNotice error={keys.error} onRetry={() => keys.refetch()} />}
      {keys.data?.length === 0 && <p className="quiet">{t("keys.none")}</p>}
      <ul className="rows">
        {keys.data?.map((key) => (
          <KeyRow
            key={key.id}
            apiKey={key}
            onRotate={() => setRotating(key)}
            onRevoke={() => setRevoking(key)}
          />
        ))}
      </ul>
      {revoking && <RevokeDialog holder={holder} apiKey={revoking} onClose={() => setRevoking(null)} />}
      {rotating && <RotateDialog holder={holder} apiKey={rotating} onClose={() => setRotating(null)} />}
    </>
  );
}

function CreateKey({ holder }: { holder: KeyHolder }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: (form: FormData) =>
      createKey(holder, {
        name: String(form.get("name")).trim(),
        expires_in_days: Number(form.get("days")),
        scope: scopeOf(form),
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queries.keys(holder).queryKey }),
  });
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate(new FormData(event.currentTarget));
          event.currentTarget.reset();
        }}
      >
        <div className="form__row">
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
        </div>
        <ScopeFields />
      </form>
      {create.isError && <ErrorNotice error={create.error} />}
      {create.data && <Secret text={create.data.key} note={t("keys.once")} />}
    </>
  );
}

function KeyRow({ apiKey, onRotate, onRevoke }: { apiKey: ApiKey; onRotate(): void; onRevoke(): void }) {
  const { t, language } = useI18n();
  const facts = [
    t("keys.expires", { date: formatDate(apiKey.expires_at, language) }),
    apiKey.last_used_at
      ? t("keys.used", { date: formatDate(apiKey.last_used_at, language) })
      : t("keys.unused"),
  ];
  if (apiKey.previous_until) {
    facts.push(t("keys.previous", { date: formatDate(apiKey.previous_until, language) }));
  }
  return (
    <li className="rows__row">
      <div className="rows__main">
        <strong>{apiKey.name}</strong> <code>{apiKey.prefix}…</code>
        <div className="quiet">{facts.join(" · ")}</div>
        <ScopeBadges apiKey={apiKey} />
      </div>
      <div className="key-actions">
        <Button small icon="retry" onClick={onRotate} aria-label={`${t("keys.rotate")}: ${apiKey.name}`}>
          {t("keys.rotate")}
        </Button>
        <Button small onClick={onRevoke} aria-label={`${t("keys.revoke")}: ${apiKey.name}`}>
          {t("keys.revoke")}
        </Button>
      </div>
    </li>
  );
}

function ScopeBadges({ apiKey }: { apiKey: ApiKey }) {
  const { t } = useI18n();
  const choices = Object.values(useChoices()).flat();
  const narrowed = narrowedBy(apiKey.scope, (id) => choices.find((choice) => choice.id === id)?.name ?? id);
  if (narrowed.length === 0) return null;
  return (
    <p className="key-badges">
      {narrowed.map(([dimension, names]) => (
        <Badge key={dimension}>
          {t(`keys.scope_${dimension}`)}: {names.join(", ") || t("keys.scope_nothing")}
        </Badge>
      ))}
    </p>
  );
}

function RevokeDialog({ holder, apiKey, onClose }: { holder: KeyHolder; apiKey: ApiKey; onClose(): void }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => revokeKey(holder, apiKey.id),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: queries.keys(holder).queryKey });
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
