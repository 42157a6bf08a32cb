import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createServiceAccount, disableServiceAccount } from "@/api/keys";
import type { ServiceAccount } from "@/api/types";
import { queries } from "@/app/queries";
import { KeyList } from "@/features/keys/KeyList";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { Field, SelectField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Notice";
import { Badge, SkeletonRows } from "@/ui/States";

/** Accounts of programs. Administrators make and disable them; whoever owns one makes its keys. */
export function ServiceAccountsSection({ administrator }: { administrator: boolean }) {
  const { t } = useI18n();
  const accounts = useQuery(queries.serviceAccounts);
  if (!administrator && !accounts.data?.length) return null;
  return (
    <section className="section">
      <h2>{t("service.title")}</h2>
      <p className="section__intro">{t("service.intro")}</p>
      {administrator && <AddServiceAccount />}
      {accounts.isPending && <SkeletonRows rows={1} />}
      {accounts.isError && <ErrorNotice error={accounts.error} onRetry={() => accounts.refetch()} />}
      {accounts.data?.length === 0 && <p className="quiet">{t("service.none")}</p>}
      <ul className="rows">
        {accounts.data?.map((account) => (
          <AccountRow key={account.id} account={account} administrator={administrator} />
        ))}
      </ul>
    </section>
  );
}

function AddServiceAccount() {
  const { t } = useI18n();
  const client = useQueryClient();
  const people = useQuery(queries.users).data?.filter((user) => user.kind === "person") ?? [];
  const groups = useQuery(queries.groups).data ?? [];
  const add = useMutation({
    mutationFn: (form: FormData) => {
      const [kind = "", id = ""] = String(form.get("owner")).split(":");
      return createServiceAccount({ name: String(form.get("name")).trim(), owner: { kind, id } });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: queries.serviceAccounts.queryKey }),
  });
  return (
    <>
      <form
        className="form__row"
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate(new FormData(event.currentTarget));
          event.currentTarget.reset();
        }}
      >
        <Field label={t("service.name")} name="name" required maxLength={200} autoComplete="off" />
        <SelectField label={t("service.owner")} name="owner" required>
          <optgroup label={t("groups.title")}>
            {groups.map((group) => (
              <option key={group.id} value={`group:${group.id}`}>
                {group.name}
              </option>
            ))}
          </optgroup>
          <optgroup label={t("people.title")}>
            {people.map((person) => (
              <option key={person.id} value={`user:${person.id}`}>
                {person.name}
              </option>
            ))}
          </optgroup>
        </SelectField>
        <Button type="submit" icon="plus" disabled={add.isPending || people.length + groups.length === 0}>
          {t("service.add")}
        </Button>
      </form>
      {add.isError && <ErrorNotice error={add.error} />}
    </>
  );
}

function AccountRow({ account, administrator }: { account: ServiceAccount; administrator: boolean }) {
  const { t } = useI18n();
  const [open, setOpen] = useState(false);
  const client = useQueryClient();
  const disable = useMutation({
    mutationFn: () => disableServiceAccount(account.id, !account.disabled),
    onSuccess: () => client.invalidateQueries({ queryKey: queries.serviceAccounts.queryKey }),
  });
  return (
    <li className="rows__row">
      <div className="rows__main">
        <strong>{account.name}</strong>{" "}
        {account.disabled && <Badge tone="warning">{t("people.disabled")}</Badge>}
        <div className="quiet breakable">
          {t("service.owned", { owner: account.owner.name || t("service.nobody") })}
        </div>
        {disable.isError && <ErrorNotice error={disable.error} />}
      </div>
      {administrator && (
        <Button small disabled={disable.isPending} onClick={() => disable.mutate()}>
          {t(account.disabled ? "people.enable" : "people.disable")}
        </Button>
      )}
      <details className="key-holder" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{t("service.keys", { name: account.name })}</summary>
        {open && <KeyList holder={account.id} />}
      </details>
    </li>
  );
}
