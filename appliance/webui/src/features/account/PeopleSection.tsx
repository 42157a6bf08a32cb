import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { changeUser, createUser, setMember, type UserChange } from "@/api/people";
import type { Group, Me, User } from "@/api/types";
import { queries } from "@/app/queries";
import { groupsAround, namesOf } from "@/features/account/nesting";
import { RoleChecks } from "@/features/account/RoleChecks";
import { Secret } from "@/features/account/Secret";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Notice";
import { Badge, SkeletonRows } from "@/ui/States";

/** For administrators: who may log in, and what they belong to. */
export function PeopleSection({ me }: { me: Me }) {
  const { t } = useI18n();
  const users = useQuery(queries.users);
  const groups = useQuery(queries.groups);
  return (
    <section className="section">
      <h2>{t("people.title")}</h2>
      <AddPerson />
      {users.isPending && <SkeletonRows rows={2} />}
      {users.isError && <ErrorNotice error={users.error} onRetry={() => users.refetch()} />}
      <ul className="rows">
        {users.data?.map((user) => (
          <PersonRow key={user.id} user={user} groups={groups.data ?? []} isMe={user.id === me.id} />
        ))}
      </ul>
    </section>
  );
}

function AddPerson() {
  const { t } = useI18n();
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: (form: FormData) =>
      createUser({
        name: String(form.get("name")).trim(),
        email: String(form.get("email")).trim(),
        roles: form.has("administrator") ? ["user", "administrator"] : ["user"],
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queries.users.queryKey }),
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
        <Field label={t("people.name")} name="name" required maxLength={200} autoComplete="off" />
        <Field label={t("people.email")} name="email" type="email" required autoComplete="off" />
        <label className="check">
          <input type="checkbox" name="administrator" />
          {t("people.administrator")}
        </label>
        <Button type="submit" icon="plus" disabled={add.isPending}>
          {t("people.add")}
        </Button>
      </form>
      {add.isError && <ErrorNotice error={add.error} />}
      {add.data?.password && (
        <Secret text={add.data.password} note={t("people.first_password", { email: add.data.email })} />
      )}
    </>
  );
}

function PersonRow({ user, groups, isMe }: { user: User; groups: Group[]; isMe: boolean }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const refresh = async () => {
    await client.invalidateQueries({ queryKey: queries.users.queryKey });
    await client.invalidateQueries({ queryKey: queries.groups.queryKey });
  };
  const change = useMutation({
    mutationFn: (wanted: UserChange) => changeUser(user.id, wanted),
    onSuccess: refresh,
  });
  const member = useMutation({
    mutationFn: ({ id, is }: { id: string; is: boolean }) => setMember(id, user.id, is),
    onSuccess: refresh,
  });
  const outer = groupsAround(user.groups, groups);
  return (
    <li className="rows__row">
      <div className="rows__main">
        <strong>{user.name}</strong> {user.disabled && <Badge tone="warning">{t("people.disabled")}</Badge>}
        {user.kind === "service" && <Badge>{t("people.service")}</Badge>}
        <div className="quiet breakable">{user.email}</div>
        <fieldset className="checks">
          <legend className="visually-hidden">
            {t("people.groups")}: {user.name}
          </legend>
          {groups.map((group) => (
            <label className="check" key={group.id}>
              <input
                type="checkbox"
                checked={user.groups.some((item) => item.id === group.id)}
                onChange={(event) => member.mutate({ id: group.id, is: event.target.checked })}
              />
              {group.name}
            </label>
          ))}
        </fieldset>
        {outer.length > 0 && (
          <p className="quiet breakable">{t("people.counts_in", { groups: namesOf(outer) })}</p>
        )}
        {user.kind === "person" && (
          <RoleChecks user={user} disabled={isMe} onChange={(roles) => change.mutate({ roles })} />
        )}
        {(change.isError || member.isError) && <ErrorNotice error={change.error ?? member.error} />}
      </div>
      <Button small disabled={isMe} onClick={() => change.mutate({ disabled: !user.disabled })}>
        {t(user.disabled ? "people.enable" : "people.disable")}
      </Button>
    </li>
  );
}
