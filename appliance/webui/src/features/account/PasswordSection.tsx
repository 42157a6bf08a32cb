import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { changePassword } from "@/api/session";
import { queries } from "@/app/queries";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { ErrorNotice, Notice } from "@/ui/Notice";

export function PasswordSection() {
  const { t } = useI18n();
  const client = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const change = useMutation({
    mutationFn: (data: FormData) => changePassword(String(data.get("current")), String(data.get("new"))),
    onSuccess: () => {
      form.current?.reset();
      void client.invalidateQueries({ queryKey: queries.me.queryKey });
    },
  });
  return (
    <section className="section">
      <h2>{t("account.password")}</h2>
      <form
        ref={form}
        className="form account__narrow"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate(new FormData(event.currentTarget));
        }}
      >
        <Field
          label={t("account.current_password")}
          name="current"
          type="password"
          autoComplete="current-password"
          required
        />
        <Field
          label={t("account.new_password")}
          name="new"
          type="password"
          autoComplete="new-password"
          required
        />
        {change.isError && <ErrorNotice error={change.error} />}
        {change.isSuccess && (
          <Notice tone="ok" role="status">
            {t("account.password_changed")}
          </Notice>
        )}
        <Button type="submit" disabled={change.isPending}>
          {t("account.change_password")}
        </Button>
      </form>
    </section>
  );
}
