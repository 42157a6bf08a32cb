import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { queries } from "@/app/queries";
import { KeyList } from "@/features/keys/KeyList";
import { ServiceAccountsSection } from "@/features/keys/ServiceAccountsSection";
import { useI18n } from "@/i18n";
import { useTitle } from "@/ui/useTitle";
import "@/features/account/account.css";
import "@/features/keys/keys.css";

export function KeysPage() {
  const { t } = useI18n();
  const { data: me } = useQuery(queries.me);
  useTitle(t("keys.title"));
  if (!me) return null;
  return (
    <div className="page account">
      <header className="page__head">
        <h1>{t("keys.title")}</h1>
        <Link to="/account">{t("account.title")}</Link>
      </header>
      <section className="section">
        <h2>{t("keys.own")}</h2>
        <p className="section__intro">{t("keys.intro")}</p>
        <KeyList holder={null} />
      </section>
      <ServiceAccountsSection administrator={me.roles.includes("administrator")} />
    </div>
  );
}
