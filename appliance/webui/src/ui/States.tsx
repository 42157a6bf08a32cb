import type { ReactNode } from "react";
import { useI18n } from "@/i18n";
import type { Tone } from "@/ui/Notice";

/** What this place is for and the one thing to do. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Rows of the final size, so that nothing jumps when the list arrives. */
export function SkeletonRows({ rows = 4, kind = "row" }: { rows?: number; kind?: "row" | "page" }) {
  const { t } = useI18n();
  return (
    <div role="status">
      <span className="visually-hidden">{t("state.loading")}</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike and never move
        <span key={row} className={`skeleton skeleton--${kind}`} />
      ))}
    </div>
  );
}

export function Badge({ tone, children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone ? `badge--${tone}` : ""}`}>{children}</span>;
}
