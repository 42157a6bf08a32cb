import type { Role, User } from "@/api/types";
import { useI18n } from "@/i18n";

/** From the narrowest to the widest; everybody is a user. */
export const givenRoles = [
  "assistant_owner",
  "knowledge_owner",
  "group_administrator",
  "operator",
  "auditor",
  "administrator",
] as const satisfies Role[];

interface RoleChecksProps {
  user: User;
  disabled: boolean;
  onChange(roles: Role[]): void;
}

/** The roles of a person; the server takes care that an administrator is left. */
export function RoleChecks({ user, disabled, onChange }: RoleChecksProps) {
  const { t } = useI18n();
  const held = givenRoles.filter((role) => user.roles.includes(role));
  return (
    <details className="roles-of">
      <summary aria-label={`${t("people.roles")}: ${user.name}`}>
        {t("people.roles")}:{" "}
        {held.map((role) => t(`account.roles_${role}`)).join(", ") || t("account.roles_user")}
      </summary>
      <fieldset className="checks" disabled={disabled}>
        <legend className="visually-hidden">
          {t("people.roles")}: {user.name}
        </legend>
        {givenRoles.map((role) => (
          <label className="check" key={role}>
            <input
              type="checkbox"
              checked={user.roles.includes(role)}
              onChange={(event) =>
                onChange(
                  event.target.checked ? [...user.roles, role] : user.roles.filter((item) => item !== role),
                )
              }
            />
            {t(`account.roles_${role}`)}
          </label>
        ))}
      </fieldset>
    </details>
  );
}
