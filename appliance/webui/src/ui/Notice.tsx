import type { ReactNode } from "react";
import { ApiError } from "@/api/http";
import { useI18n } from "@/i18n";
import { Button, buttonClass } from "@/ui/Button";
import { Icon } from "@/ui/Icon";

export type Tone = "ok" | "notice" | "warning" | "danger";

const icons = { ok: "check", notice: "info", warning: "warning", danger: "warning" } as const;

export function Notice({
  tone,
  children,
  role,
}: {
  tone: Tone;
  children: ReactNode;
  role?: "alert" | "status";
}) {
  return (
    <div className={`notice notice--${tone}`} role={role}>
      <Icon name={icons[tone]} />
      <div className="notice__body">{children}</div>
    </div>
  );
}

/** What happened and the way out, as sentences; never a code alone. */
export function useErrorText(): (error: unknown) => string {
  const { t } = useI18n();
  return (error) => {
    if (!(error instanceof ApiError)) return t("error.title");
    if (error.code === "unreachable") return t("error.unreachable");
    if (error.code === "not_found") return t("error.not_found");
    if (needsProof(error)) return t("error.step_up");
    return [error.message, error.remedy].filter(Boolean).join(" ");
  };
}

/** Whether the act waits for the person to prove once more who they are. */
function needsProof(error: unknown): boolean {
  return error instanceof ApiError && error.code === "step_up_needed";
}

/** Through the identity provider and back to this page. */
function proofAddress(): string {
  const here = window.location.pathname + window.location.search;
  return `/auth/oidc/login?step_up=true&next=${encodeURIComponent(here)}`;
}

export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useI18n();
  const text = useErrorText()(error);
  return (
    <Notice tone="danger" role="alert">
      <p>{text}</p>
      {needsProof(error) && (
        <a className={buttonClass("plain", true)} href={proofAddress()}>
          {t("action.prove")}
        </a>
      )}
      {onRetry && (
        <Button small icon="retry" onClick={onRetry}>
          {t("action.retry")}
        </Button>
      )}
    </Notice>
  );
}
