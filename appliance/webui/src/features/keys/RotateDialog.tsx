import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type KeyHolder, rotateKey } from "@/api/keys";
import type { ApiKey } from "@/api/types";
import { queries } from "@/app/queries";
import { Secret } from "@/features/account/Secret";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Notice";

const usualOverlapHours = 24;
const longestOverlapHours = 720;

/** Asks how long both secrets work, then shows the new one; closing the dialog is the end of seeing it. */
export function RotateDialog({
  holder,
  apiKey,
  onClose,
}: {
  holder: KeyHolder;
  apiKey: ApiKey;
  onClose(): void;
}) {
  const { t } = useI18n();
  const client = useQueryClient();
  const rotate = useMutation({
    mutationFn: (form: FormData) =>
      rotateKey(holder, apiKey.id, { overlap_hours: Number(form.get("overlap")), expires_in_days: null }),
    onSuccess: () => client.invalidateQueries({ queryKey: queries.keys(holder).queryKey }),
  });
  return (
    <Dialog title={t("keys.rotate_title", { name: apiKey.name })} onClose={onClose}>
      {rotate.data ? (
        <>
          <Secret text={rotate.data.key} note={t("keys.once")} />
          <div className="dialog__actions">
            <Button look="primary" autoFocus onClick={onClose}>
              {t("action.close")}
            </Button>
          </div>
        </>
      ) : (
        <form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            rotate.mutate(new FormData(event.currentTarget));
          }}
        >
          <p>{t("keys.rotate_body")}</p>
          <Field
            label={t("keys.overlap")}
            name="overlap"
            type="number"
            min={0}
            max={longestOverlapHours}
            defaultValue={usualOverlapHours}
            required
            autoFocus
          />
          {rotate.isError && <ErrorNotice error={rotate.error} />}
          <div className="dialog__actions">
            <Button onClick={onClose}>{t("action.cancel")}</Button>
            <Button look="primary" type="submit" disabled={rotate.isPending}>
              {t("keys.rotate")}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
