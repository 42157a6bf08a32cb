import { useEffect } from "react";
import { useI18n } from "@/i18n";

/** The title of the tab: the page first, then the product. */
export function useTitle(title: string): void {
  const { t } = useI18n();
  const product = t("product.name");
  useEffect(() => {
    document.title = title ? `${title} · ${product}` : product;
  }, [title, product]);
}
