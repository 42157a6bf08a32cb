import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { queries } from "@/app/queries";
import { Ways } from "@/features/access/Ways";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/States";
import "@/features/access/access.css";

/** Answers "why can I see this?" where it stands; asked only when somebody wants to know. */
export function WhyButton({ documentId }: { documentId: string }) {
  const { t } = useI18n();
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <div className="why">
      <Button small icon="info" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
        {t("access.why")}
      </Button>
      <div id={id} role="status" aria-label={t("access.why")}>
        {open && <Why documentId={documentId} />}
      </div>
    </div>
  );
}

function Why({ documentId }: { documentId: string }) {
  const told = useQuery(queries.explanation("document", documentId));
  if (told.isPending) return <SkeletonRows rows={1} />;
  if (told.isError) return <ErrorNotice error={told.error} onRetry={() => told.refetch()} />;
  return <Ways told={told.data} isSelf />;
}
