import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createGroup } from "@/api/people";
import type { Group } from "@/api/types";
import { queries } from "@/app/queries";
import { GroupPeople } from "@/features/account/GroupPeople";
import { namesOf } from "@/features/account/nesting";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Notice";
import { Badge } from "@/ui/States";

/** Groups by name; each shows who is in it and who administers it. */
export function GroupsSection({ mayMake }: { mayMake: boolean }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const groups = useQuery(queries.groups);
  const add = useMutation({
    mutationFn: createGroup,
    onSuccess: () => client.invalidateQueries({ queryKey: queries.groups.queryKey }),
  });
  return (
    <section className="section">
      <h2>{t("groups.title")}</h2>
      {mayMake && (
        <form
          className="form__row"
          onSubmit={(event) => {
            event.preventDefault();
            add.mutate(String(new FormData(event.currentTarget).get("name")).trim());
            event.currentTarget.reset();
          }}
        >
          <Field label={t("groups.name")} name="name" required maxLength={100} autoComplete="off" />
          <Button type="submit" icon="plus" disabled={add.isPending}>
            {t("groups.add")}
          </Button>
        </form>
      )}
      {add.isError && <ErrorNotice error={add.error} />}
      {groups.isError && <ErrorNotice error={groups.error} onRetry={() => groups.refetch()} />}
      {groups.data?.length === 0 && <p className="quiet">{t("groups.none")}</p>}
      <ul className="rows">
        {groups.data?.map((group) => (
          <GroupRow key={group.id} group={group} />
        ))}
      </ul>
    </section>
  );
}

function GroupRow({ group }: { group: Group }) {
  const { t, count } = useI18n();
  const [open, setOpen] = useState(false);
  return (
    <li className="rows__row">
      <details className="rows__main" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          {group.name} <span className="quiet">{count("groups.members", group.member_count)}</span>
          {group.source === "oidc" && <Badge>{t("groups.kept_by_oidc")}</Badge>}
          {group.source === "scim" && <Badge>{t("groups.kept_by_scim")}</Badge>}
          {group.parents.length > 0 && (
            <div className="quiet breakable">{t("groups.inside", { groups: namesOf(group.parents) })}</div>
          )}
        </summary>
        {open && <GroupPeople groupId={group.id} />}
      </details>
    </li>
  );
}
