import mark from "@/app/favicon.svg";
import { useI18n } from "@/i18n";

export function Brand() {
  const { t } = useI18n();
  return (
    <span className="brand">
      <img className="brand__mark" src={mark} alt="" width={28} height={28} />
      {t("product.name")}
    </span>
  );
}
