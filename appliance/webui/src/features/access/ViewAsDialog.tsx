import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { searchAs } from "@/api/access";
import type { Collection, GroupRef } from "@/api/types";
import { queries } from "@/app/queries";
import { Ways } from "@/features/access/Ways";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, SelectField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/States";
import "@/features/access/access.css";

/** For who manages a collection: does a person see it, by which way, and what would they find in it. */
export function ViewAsDialog({ collection, onClose }: { collection: Collection; onClose(): void }) {
  const { t } = useI18n();
  const people = usePeople(collection);
  const [user, setUser] = useState("");
  return (
    <Dialog title={t("view.title", { name: collection.name })} onClose={onClose}>
      <SelectField label={t("view.person")} value={user} onChange={(event) => setUser(event.target.value)}>
        <option value="">…</option>
        {people.map((person) => (
          <option key={person.id} value={person.id}>
            {person.name}
          </option>
        ))}
      </SelectField>
      {user && <Seen key={user} collection={collection} user={user} />}
      <div className="dialog__actions">
        <Button onClick={onClose}>{t("action.close")}</Button>
      </div>
    </Dialog>
  );
}

/** Everybody where the server lets this person list accounts; else those who are named as readers. */
function usePeople(collection: Collection): GroupRef[] {
  const mine = useQuery(queries.permissions).data?.mine;
  const users = useQuery({ ...queries.users, enabled: mine?.["accounts.read"] === "any" });
  if (users.data) return users.data;
  return collection.readers.flatMap((reader) =>
    reader.kind === "user" ? [{ id: reader.id, name: reader.name ?? reader.id }] : [],
  );
}

function Seen({ collection, user }: { collection: Collection; user: string }) {
  const { t } = useI18n();
  const told = useQuery(queries.explanation("collection", collection.id, user));
  const search = useMutation({ mutationFn: (query: string) => searchAs(user, query) });
  if (told.isPending) return <SkeletonRows rows={1} />;
  if (told.isError) return <ErrorNotice error={told.error} onRetry={() => told.refetch()} />;
  const found = search.data?.filter((item) => item.collection.id === collection.id);
  return (
    <>
      <p role="status">
        <strong>
          {t(told.data.allowed ? "view.sees" : "view.sees_not", { name: told.data.account.name })}
        </strong>
      </p>
      <Ways told={told.data} />
      <form
        className="form__row"
        onSubmit={(event) => {
          event.preventDefault();
          search.mutate(String(new FormData(event.currentTarget).get("query")).trim());
        }}
      >
        <Field label={t("view.question")} name="query" required maxLength={1000} autoComplete="off" />
        <Button type="submit" icon="search" disabled={search.isPending}>
          {t("view.search")}
        </Button>
      </form>
      {search.isError && <ErrorNotice error={search.error} />}
      {found?.length === 0 && <p className="quiet">{t("view.nothing")}</p>}
      <ul className="found-as" aria-label={t("view.found")}>
        {found?.map((item) => (
          <li key={item.passage_id}>
            <strong>{item.document.name}</strong>
            <div className="quiet">{item.text.slice(0, 240)}</div>
          </li>
        ))}
      </ul>
    </>
  );
}
