import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { logout } from "@/api/session";
import type { Me } from "@/api/types";
import { Brand } from "@/app/Brand";
import { queries } from "@/app/queries";
import { History } from "@/features/chat/history/History";
import { useI18n } from "@/i18n";
import { buttonClass, IconButton } from "@/ui/Button";
import { Icon, type IconName } from "@/ui/Icon";

const places = [
  { to: "/library", icon: "library", label: "nav.library" },
  { to: "/models", icon: "model", label: "nav.models" },
] as const satisfies { to: string; icon: IconName; label: string }[];

export function Rail({ me, onClose }: { me: Me; onClose(): void }) {
  const { t } = useI18n();
  return (
    <div className="rail">
      <div className="rail__head">
        <Brand />
        <IconButton className="rail__close" icon="close" label={t("action.close")} onClick={onClose} />
      </div>
      <nav className="rail__nav" aria-label={t("nav.label")}>
        <Link className={`${buttonClass("plain")} rail__new`} to="/">
          <Icon name="plus" />
          {t("nav.new_chat")}
        </Link>
        {places.map((place) => (
          <Link key={place.to} className="rail__link" to={place.to}>
            <Icon name={place.icon} />
            {t(place.label)}
          </Link>
        ))}
      </nav>
      <History />
      <div className="rail__foot">
        <Link className="rail__link rail__me" to="/account" aria-label={`${t("nav.account")}: ${me.name}`}>
          <Icon name="person" />
          <span className="rail__name">{me.name || me.email}</span>
        </Link>
        <LogoutButton />
      </div>
    </div>
  );
}

function LogoutButton() {
  const { t } = useI18n();
  const client = useQueryClient();
  const leave = useMutation({
    mutationFn: logout,
    // A full load: whatever this person saw must not stay in the memory of the tab.
    onSuccess: (next) => window.location.assign(next),
    onError: () => client.invalidateQueries({ queryKey: queries.me.queryKey }),
  });
  return (
    <IconButton
      icon="logout"
      label={t("nav.logout")}
      disabled={leave.isPending}
      onClick={() => leave.mutate()}
    />
  );
}
