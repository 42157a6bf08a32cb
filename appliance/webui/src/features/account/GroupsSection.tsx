import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createGroup } from "@/api/people";
import { queries } from "@/app/queries";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Notice";

/** Groups by name; who belongs to one is set beside each person. */
export function GroupsSection() {
  const { t, count } = useI18n();
  const client = useQueryClient();
  const groups = useQuery(queries.groups);
  const add = useMutation({
    mutationFn: createGroup,
    onSuccess: () => client.invalidateQueries({ queryKey: queries.groups.queryKey }),
  });
  return (
    <section className="section">
      <h2>{t("groups.title")}</h2>
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
      {add.isError && <ErrorNotice error={add.error} />}
      {groups.isError && <ErrorNotice error={groups.error} onRetry={() => groups.refetch()} />}
      {groups.data?.length === 0 && <p className="quiet">{t("groups.none")}</p>}
      <ul className="rows">
        {groups.data?.map((group) => (
          <li className="rows__row" key={group.id}>
            <span className="rows__main">{group.name}</span>
            <span className="quiet">{count("groups.members", group.member_count)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
