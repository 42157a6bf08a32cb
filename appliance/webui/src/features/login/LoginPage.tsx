import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { Brand } from "@/app/Brand";
import { queries } from "@/app/queries";
import { PasswordForm } from "@/features/login/PasswordForm";
import { SignOn } from "@/features/login/SignOn";
import { useI18n } from "@/i18n";
import { ErrorNotice } from "@/ui/Notice";
import { useTitle } from "@/ui/useTitle";
import "@/features/login/login.css";

/** Single sign-on where it is on, with the break-glass account's password folded away; else the password. */
export function LoginPage() {
  const { t } = useI18n();
  const session = useQuery(queries.session);
  const { next, problem, "signed-out": signedOut } = useSearch({ from: "/login" });
  useTitle(t("login.title"));
  return (
    <main className="login">
      <Brand />
      {session.isError && <ErrorNotice error={session.error} onRetry={() => void session.refetch()} />}
      {session.data?.single_sign_on && (
        <SignOn next={next} problem={problem} signedOut={signedOut !== undefined} />
      )}
      {session.data?.single_sign_on === false && <PasswordForm next={next} />}
      <p className="quiet">{t("product.promise")}</p>
    </main>
  );
}
