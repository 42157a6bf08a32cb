import type { CollectionCounts as Counts } from "@/api/types";
import { useI18n } from "@/i18n";
import { Badge } from "@/ui/States";

/** How many documents, and only those states that ask for attention. */
export function CollectionCounts({ counts }: { counts: Counts }) {
  const { count } = useI18n();
  return (
    <span className="counts">
      <Badge>{count("library.documents", counts.total)}</Badge>
      {counts.processing > 0 && <Badge tone="notice">{count("library.in_work", counts.processing)}</Badge>}
      {counts.partial > 0 && <Badge tone="warning">{count("library.partial", counts.partial)}</Badge>}
      {counts.refused > 0 && <Badge tone="danger">{count("library.refused", counts.refused)}</Badge>}
    </span>
  );
}
