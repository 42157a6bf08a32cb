import { type ReactNode, useEffect, useId, useRef } from "react";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/Notice";

interface DialogProps {
  title: string;
  onClose(): void;
  children: ReactNode;
}

/** The browser's own modal: it keeps the focus, closes on Escape, and gives the focus back. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog ref={ref} className="dialog" aria-labelledby={titleId} onClose={onClose}>
      <h2 className="dialog__title" id={titleId}>
        {title}
      </h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  body: string;
  action: string;
  busy: boolean;
  error: unknown;
  onConfirm(): void;
  onClose(): void;
}

export function ConfirmDialog({ title, body, action, busy, error, onConfirm, onClose }: ConfirmProps) {
  const { t } = useI18n();
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{body}</p>
      {error ? <ErrorNotice error={error} /> : null}
      <div className="dialog__actions">
        <Button onClick={onClose} autoFocus>
          {t("action.cancel")}
        </Button>
        <Button look="danger" disabled={busy} onClick={onConfirm}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}

interface NameDialogProps {
  title: string;
  label: string;
  action: string;
  initial?: string;
  busy: boolean;
  error: unknown;
  children?: ReactNode;
  onSubmit(name: string, form: FormData): void;
  onClose(): void;
}

/** Asks for a name; more fields may be given as children and come back in the form data. */
export function NameDialog(props: NameDialogProps) {
  const { t } = useI18n();
  const id = useId();
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          props.onSubmit(String(form.get("name")).trim(), form);
        }}
      >
        <div className="field">
          <label className="field__label" htmlFor={id}>
            {props.label}
          </label>
          <input
            className="input"
            id={id}
            name="name"
            defaultValue={props.initial}
            required
            maxLength={200}
            autoFocus
            autoComplete="off"
          />
        </div>
        {props.children}
        {props.error ? <ErrorNotice error={props.error} /> : null}
        <div className="dialog__actions">
          <Button onClick={props.onClose}>{t("action.cancel")}</Button>
          <Button look="primary" type="submit" disabled={props.busy}>
            {props.action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
