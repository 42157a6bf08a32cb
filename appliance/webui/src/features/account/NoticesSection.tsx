import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { markSeen } from "@/api/breakGlass";
import type { BreakGlassNotice } from "@/api/types";
import { queries } from "@/app/queries";
import { useI18n } from "@/i18n";
import { formatMoment } from "@/i18n/format";
import { Button } from "@/ui/Button";
import { ErrorNotice, Notice } from "@/ui/Notice";

/** Who may read, or could read, one's own conversations. Nothing where nobody ever could. */
export function NoticesSection() {
  const { t } = useI18n();
  const notices = useQuery(queries.notices);
  if (!notices.data?.length) return null;
  return (
    <section className="section" id="notices">
      <h2>{t("glass.notices")}</h2>
      <ul className="rows">
        {notices.data.map((notice) => (
          <li key={notice.id}>
            <NoticeRow notice={notice} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function NoticeRow({ notice }: { notice: BreakGlassNotice }) {
  const { t, count, language } = useI18n();
  const client = useQueryClient();
  const seen = useMutation({
    mutationFn: () => markSeen(notice.id),
    onSuccess: () => client.invalidateQueries({ queryKey: queries.notices.queryKey }),
  });
  const until = notice.until ? formatMoment(notice.until, language) : "";
  return (
    <Notice tone={notice.seen ? "notice" : "warning"}>
      <p>
        {notice.state === "approved"
          ? t("glass.notice_open", { asker: notice.asked_by, approver: notice.approved_by, until })
          : t("glass.notice_over", { asker: notice.asked_by, approver: notice.approved_by, until })}
      </p>
      <p>{t("glass.notice_reason", { reason: notice.reason })}</p>
      <p className="quiet">{count("glass.opened", notice.read_count)}</p>
      {!notice.seen && (
        <Button small onClick={() => seen.mutate()} disabled={seen.isPending}>
          {t("glass.seen")}
        </Button>
      )}
      {seen.isError && <ErrorNotice error={seen.error} />}
    </Notice>
  );
}
