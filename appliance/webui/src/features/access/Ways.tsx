import type { Explanation, Way } from "@/api/types";
import { useI18n } from "@/i18n";

/** By which ways an account sees something, or that none leads there. */
export function Ways({ told, isSelf }: { told: Explanation; isSelf?: boolean }) {
  const { t } = useI18n();
  return (
    <div className="ways">
      {told.collection && <p className="quiet">{t("access.collection", { name: told.collection.name })}</p>}
      {told.ways.length > 0 && (
        <ul className="ways__list">
          {told.ways.map((way) => (
            <li key={`${way.kind} ${way.chain.map((group) => group.id).join(" ")}`}>
              <WayText way={way} isSelf={isSelf} />
            </li>
          ))}
        </ul>
      )}
      {told.ways.length === 0 && <p>{t("access.no_way")}</p>}
      {told.limits.map((limit) => (
        <p key={limit.kind}>{t(`access.limit_${limit.kind}`)}</p>
      ))}
    </div>
  );
}

function WayText({ way, isSelf }: { way: Way; isSelf?: boolean }) {
  const { t } = useI18n();
  if (way.kind !== "group") return <>{t(isSelf ? `access.you_${way.kind}` : `access.they_${way.kind}`)}</>;
  return (
    <>
      {t(isSelf ? "access.you_group" : "access.they_group")}{" "}
      <ol className="chain">
        {way.chain.map((group, place) => (
          <li key={group.id}>
            <strong>{group.name}</strong>{" "}
            <span className="quiet">{t(place + 1 < way.chain.length ? "access.is_in" : "access.reads")}</span>
          </li>
        ))}
      </ol>
    </>
  );
}
