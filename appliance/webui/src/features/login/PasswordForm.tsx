import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { ApiError } from "@/api/http";
import { login } from "@/api/session";
import { queries } from "@/app/queries";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { ErrorNotice, Notice } from "@/ui/Notice";

export function PasswordForm({ next, emergency = false }: { next?: string; emergency?: boolean }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const router = useRouter();
  const attempt = useMutation({
    mutationFn: (form: FormData) => login(String(form.get("email")).trim(), String(form.get("password"))),
    onSuccess: async (me) => {
      // Nothing that another person has seen in this tab may remain.
      client.clear();
      client.setQueryData(queries.me.queryKey, me);
      if (me.must_change_password) await router.navigate({ to: "/account" });
      else router.history.push(next ?? "/");
    },
  });
  return (
    <form
      className="form login__form"
      onSubmit={(event) => {
        event.preventDefault();
        attempt.mutate(new FormData(event.currentTarget));
      }}
    >
      {emergency ? <p>{t("login.break_glass_intro")}</p> : <h1>{t("login.title")}</h1>}
      <Field
        label={t("login.email")}
        name="email"
        type="email"
        autoComplete="username"
        required
        autoFocus={!emergency}
      />
      <Field
        label={t("login.password")}
        name="password"
        type="password"
        autoComplete="current-password"
        required
      />
      {attempt.isError && <LoginError error={attempt.error} />}
      <Button
        look={emergency ? "plain" : "primary"}
        type="submit"
        className="login__submit"
        disabled={attempt.isPending}
      >
        {t(attempt.isPending ? "login.busy" : "login.submit")}
      </Button>
    </form>
  );
}

function LoginError({ error }: { error: unknown }) {
  const { t } = useI18n();
  const code = error instanceof ApiError ? error.code : "";
  if (code !== "bad_credentials" && code !== "too_many_attempts") return <ErrorNotice error={error} />;
  return (
    <Notice tone="danger" role="alert">
      {t(`login.${code}`)}
    </Notice>
  );
}
