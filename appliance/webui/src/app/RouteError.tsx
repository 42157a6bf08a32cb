import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { useErrorText } from "@/ui/Notice";
import { Empty } from "@/ui/States";

/** Stands in for a page that broke or does not exist; a reload is the way out that always works. */
export function RouteError({ error }: { error: unknown }) {
  const { t } = useI18n();
  const text = useErrorText();
  return (
    <main className="page">
      <Empty title={error ? t("error.page") : t("error.not_found")}>
        {error ? <p>{text(error)}</p> : null}
        <Button icon="retry" onClick={() => window.location.assign(error ? window.location.href : "/")}>
          {t("action.retry")}
        </Button>
      </Empty>
    </main>
  );
}
