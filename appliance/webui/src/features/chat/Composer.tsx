import { AuiIf, ComposerPrimitive } from "@assistant-ui/react";
import { useId } from "react";
import { useI18n } from "@/i18n";
import { buttonClass } from "@/ui/Button";
import { Icon } from "@/ui/Icon";

const hasPointer = () => window.matchMedia("(pointer: fine)").matches;

/** The question box. Enter sends, unless an input method (Japanese, Chinese…) is still composing. */
export function Composer() {
  const { t } = useI18n();
  const hintId = useId();
  return (
    <ComposerPrimitive.Root className="composer">
      <ComposerPrimitive.Input
        className="composer__input"
        aria-label={t("chat.placeholder")}
        aria-describedby={hintId}
        placeholder={t("chat.placeholder")}
        autoFocus={hasPointer()}
        rows={1}
        maxRows={10}
        maxLength={20_000}
        cancelOnEscape={false}
        onKeyDown={(event) => {
          // Safari ends the composition before the key event: 229 is what tells it apart there.
          if (event.key === "Enter" && event.keyCode === 229) event.preventDefault();
        }}
      />
      <span className="visually-hidden" id={hintId}>
        {t("chat.hint")}
      </span>
      <AuiIf condition={({ thread }) => !thread.isRunning}>
        <ComposerPrimitive.Send
          className={`${buttonClass("primary", false, true)} composer__send`}
          aria-label={t("chat.send")}
          title={t("chat.send")}
        >
          <Icon name="send" />
        </ComposerPrimitive.Send>
      </AuiIf>
      <AuiIf condition={({ thread }) => thread.isRunning}>
        <ComposerPrimitive.Cancel
          className={`${buttonClass("plain", false)} composer__send`}
          aria-label={t("chat.stop")}
        >
          <Icon name="stop" />
          {t("chat.stop")}
        </ComposerPrimitive.Cancel>
      </AuiIf>
    </ComposerPrimitive.Root>
  );
}
