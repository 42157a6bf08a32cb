import { useQuery } from "@tanstack/react-query";
import type { Conformance, Model, ModelState } from "@/api/types";
import { queries } from "@/app/queries";
import { useI18n } from "@/i18n";
import { ErrorNotice, type Tone } from "@/ui/Notice";
import { Badge, Empty, SkeletonRows } from "@/ui/States";
import { useTitle } from "@/ui/useTitle";

const tones: Record<ModelState, Tone | undefined> = {
  starting: "notice",
  ready: "ok",
  restarting: "warning",
  failed: "danger",
  stopped: undefined,
};

/** The engines, asked again every few seconds. */
export function ModelsPage() {
  const { t } = useI18n();
  const models = useQuery(queries.models);
  useTitle(t("models.title"));
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t("models.title")}</h1>
          <p className="page__intro">{t("models.intro")}</p>
        </div>
      </header>
      {models.isPending && <SkeletonRows rows={3} />}
      {models.isError && <ErrorNotice error={models.error} onRetry={() => models.refetch()} />}
      {models.data?.length === 0 && (
        <Empty title={t("models.empty_title")}>
          <p>{t("models.empty_body")}</p>
        </Empty>
      )}
      {models.data && models.data.length > 0 && <ModelTable models={models.data} />}
    </div>
  );
}

function ModelTable({ models }: { models: Model[] }) {
  const { t } = useI18n();
  return (
    <div className="table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{t("models.column_model")}</th>
            <th scope="col">{t("models.column_state")}</th>
            <th scope="col" className="hide-narrow">
              {t("models.column_task")}
            </th>
            <th scope="col" className="number hide-narrow">
              {t("models.column_context")}
            </th>
            <th scope="col" className="number hide-narrow">
              {t("models.column_size")}
            </th>
            <th scope="col" className="hide-narrow">
              {t("models.column_licence")}
            </th>
          </tr>
        </thead>
        <tbody aria-live="polite">
          {models.map((model) => (
            <ModelRow key={model.id} model={model} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ModelRow({ model }: { model: Model }) {
  const { t, language } = useI18n();
  const number = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
  const { context_tokens: context, parameters_billion: billions } = model;
  return (
    <tr>
      <td className="breakable">
        <strong>{model.id}</strong>
        {model.languages.length > 0 && <div className="quiet">{model.languages.join(", ")}</div>}
        {model.conformance && <Conformed found={model.conformance} />}
      </td>
      <td>
        <Badge tone={tones[model.state]}>{t(`models.${model.state}`)}</Badge>
        {model.detail && !model.ready && <div className="quiet">{model.detail}</div>}
      </td>
      <td className="hide-narrow">{model.task}</td>
      <td className="number hide-narrow">
        {context ? t("models.tokens", { count: new Intl.NumberFormat(language).format(context) }) : "–"}
      </td>
      <td className="number hide-narrow">
        {billions ? t("models.billion", { count: number.format(billions) }) : "–"}
      </td>
      <td className="hide-narrow">{model.licence || "–"}</td>
    </tr>
  );
}

/** One badge per check that applies, with the reason of a failure; who measured it and when stands below. */
function Conformed({ found }: { found: Conformance }) {
  const { t, language } = useI18n();
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(found.checked_at));
  const applied = found.checks.filter((check) => check.outcome !== "not_applicable");
  return (
    <div>
      {applied.map((check) => (
        <span key={check.name} title={check.detail || undefined}>
          <Badge tone={check.outcome === "passed" ? "ok" : "warning"}>
            {check.outcome === "passed" ? "✓" : "✗"} {check.name}
          </Badge>{" "}
        </span>
      ))}
      <div className="quiet">{t("models.checked", { day, engine: found.engine || "–" })}</div>
    </div>
  );
}
