import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Permissions, Role } from "@/api/types";
import { queries } from "@/app/queries";
import { useI18n } from "@/i18n";
import { ErrorNotice } from "@/ui/Notice";
import { Badge, SkeletonRows } from "@/ui/States";
import { useTitle } from "@/ui/useTitle";
import "@/features/account/account.css";
import "@/features/access/access.css";

/** The table of roles, role by role: what each may do beyond what everybody may. */
export function RolesPage() {
  const { t } = useI18n();
  const { data: me } = useQuery(queries.me);
  const table = useQuery(queries.permissions);
  useTitle(t("roles.title"));
  return (
    <div className="page account">
      <header className="page__head">
        <h1>{t("roles.title")}</h1>
        <Link to="/account">{t("account.title")}</Link>
      </header>
      <p className="section__intro">{t("roles.intro")}</p>
      {table.isPending && <SkeletonRows />}
      {table.isError && <ErrorNotice error={table.error} onRetry={() => table.refetch()} />}
      {table.data?.roles.map((role) => (
        <RoleCard key={role} role={role} table={table.data} isMine={me?.roles.includes(role) === true} />
      ))}
    </div>
  );
}

function RoleCard({ role, table, isMine }: { role: Role; table: Permissions; isMine: boolean }) {
  const { t } = useI18n();
  const added = table.permissions.filter(({ reach }) =>
    role === "user" ? reach.user !== "no" : reach[role] !== reach.user,
  );
  return (
    <details className="role" open={isMine}>
      <summary>
        <strong>{t(`account.roles_${role}`)}</strong> {isMine && <Badge>{t("roles.yours")}</Badge>}
      </summary>
      <p className="quiet">{t(`roles.about_${role}`)}</p>
      <ul className="role__rights">
        {added.map((line) => (
          <li key={line.permission}>
            <span className="role__right">
              {t(`roles.can_${line.permission}`)}
              <Badge>{t(line.reach[role] === "any" ? "roles.reach_any" : "roles.reach_own")}</Badge>
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
