import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { setGroupAdministrator } from "@/api/access";
import { setMember } from "@/api/people";
import type { GroupRef } from "@/api/types";
import { queries } from "@/app/queries";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { SelectField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/States";

/** Who is in a group and who says so. Shown when the group is opened. */
export function GroupPeople({ groupId }: { groupId: string }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const group = useQuery(queries.group(groupId));
  const mine = useQuery(queries.permissions).data?.mine;
  const refresh = () =>
    Promise.all(
      [queries.group(groupId), queries.groups, queries.users].map(({ queryKey }) =>
        client.invalidateQueries({ queryKey }),
      ),
    );
  const member = useMutation({
    mutationFn: ({ id, is }: { id: string; is: boolean }) => setMember(groupId, id, is),
    onSuccess: refresh,
  });
  const administrator = useMutation({
    mutationFn: ({ id, is }: { id: string; is: boolean }) => setGroupAdministrator(groupId, id, is),
    onSuccess: refresh,
  });
  if (group.isPending) return <SkeletonRows rows={1} />;
  if (group.isError) return <ErrorNotice error={group.error} onRetry={() => group.refetch()} />;
  const error = member.error ?? administrator.error;
  return (
    <div className="group-people">
      <PeopleList
        title={t("groups.in_it")}
        people={group.data.members}
        mayChange={group.data.can_manage}
        onChange={(id, is) => member.mutate({ id, is })}
      />
      <PeopleList
        title={t("groups.administrators")}
        people={group.data.administrators}
        mayChange={mine?.["roles.give"] === "any"}
        onChange={(id, is) => administrator.mutate({ id, is })}
      />
      {error && <ErrorNotice error={error} />}
    </div>
  );
}

interface PeopleListProps {
  title: string;
  people: GroupRef[];
  mayChange: boolean;
  onChange(id: string, is: boolean): void;
}

function PeopleList({ title, people, mayChange, onChange }: PeopleListProps) {
  const { t } = useI18n();
  const users = useQuery(queries.users).data ?? [];
  const others = users.filter((user) => !people.some(({ id }) => id === user.id) && !user.disabled);
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {people.length === 0 && <p className="quiet">{t("groups.nobody")}</p>}
      <ul className="group-people__list">
        {people.map((person) => (
          <li key={person.id}>
            {person.name}
            {mayChange && (
              <Button
                small
                aria-label={`${t("groups.take_out")}: ${person.name}`}
                onClick={() => onChange(person.id, false)}
              >
                {t("groups.take_out")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {mayChange && others.length > 0 && (
        <SelectField
          label={t("groups.put_in")}
          value=""
          onChange={(event) => event.target.value && onChange(event.target.value, true)}
        >
          <option value="">…</option>
          {others.map((user) => (
            <option key={user.id} value={user.id}>
              {user.name}
            </option>
          ))}
        </SelectField>
      )}
    </section>
  );
}
