import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { queries } from "@/app/queries";
import { useI18n } from "@/i18n";
import { Notice } from "@/ui/Notice";

/** On every page until it was read: somebody may read this person's conversations, or could. */
export function GlassBanner() {
  const { t } = useI18n();
  const notices = useQuery(queries.notices);
  if (!notices.data?.some((notice) => !notice.seen)) return null;
  return (
    <Notice tone="warning" role="status">
      {t("glass.banner")} <Link to="/account">{t("glass.banner_link")}</Link>
    </Notice>
  );
}
