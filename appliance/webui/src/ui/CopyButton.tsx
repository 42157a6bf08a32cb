import { useEffect, useState } from "react";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { copyText } from "@/ui/clipboard";

const shownForMs = 2000;

export function CopyButton({ text }: { text: string }) {
  const { t } = useI18n();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), shownForMs);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <Button
      small
      look="quiet"
      icon={copied ? "check" : "copy"}
      onClick={async () => setCopied(await copyText(text))}
    >
      <span aria-live="polite">{t(copied ? "action.copied" : "action.copy")}</span>
    </Button>
  );
}
