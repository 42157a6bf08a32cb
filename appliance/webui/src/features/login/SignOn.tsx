import { signOnAddress } from "@/api/session";
import { PasswordForm } from "@/features/login/PasswordForm";
import { useI18n } from "@/i18n";
import { buttonClass } from "@/ui/Button";
import { Notice } from "@/ui/Notice";

const problems = ["unavailable", "not_admitted", "account_shut", "refused"] as const;
type Problem = (typeof problems)[number];

const known = (name: string | undefined): Problem | undefined => problems.find((item) => item === name);

interface SignOnProps {
  next?: string;
  problem?: string;
  signedOut: boolean;
}

/** The one button, and in whole sentences why it did not work the last time. */
export function SignOn({ next, problem, signedOut }: SignOnProps) {
  const { t } = useI18n();
  const trouble = known(problem);
  return (
    <>
      <div className="form login__form">
        <h1>{t("login.title")}</h1>
        {trouble && (
          <Notice tone={trouble === "unavailable" ? "warning" : "danger"} role="alert">
            <p>
              <strong>{t(`login.problem_${trouble}`)}</strong>
            </p>
            <p>{t(`login.way_out_${trouble}`)}</p>
          </Notice>
        )}
        {!trouble && signedOut && (
          <Notice tone="ok" role="status">
            {t("login.signed_out")}
          </Notice>
        )}
        <a className={`${buttonClass("primary")} login__submit`} href={signOnAddress(next)}>
          {t(trouble ? "login.sso_again" : "login.sso")}
        </a>
      </div>
      <details className="login__emergency">
        <summary>{t("login.break_glass")}</summary>
        <PasswordForm next={next} emergency />
      </details>
    </>
  );
}
