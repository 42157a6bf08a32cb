import { type ReactNode, useEffect, useState } from "react";
import { useI18n } from "@/i18n";
import { CopyButton } from "@/ui/CopyButton";

/** Plain at first; coloured as soon as the highlighter, a file of its own, has arrived. */
export function CodeBlock({ code, language }: { code: string; language: string }) {
  const { t } = useI18n();
  const [coloured, setColoured] = useState<{ code: string; node: ReactNode } | null>(null);
  useEffect(() => {
    let current = true;
    if (!language) return;
    void import("@/features/chat/markdown/highlight").then(({ highlightCode }) => {
      if (current) setColoured({ code, node: highlightCode(code, language) });
    });
    return () => {
      current = false;
    };
  }, [code, language]);
  return (
    <figure className="code">
      <figcaption className="code__head">
        <span>{language || t("chat.code")}</span>
        <CopyButton text={code} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide block is scrolled with the keyboard */}
      <pre tabIndex={0}>
        <code>{coloured?.code === code && coloured.node ? coloured.node : code}</code>
      </pre>
    </figure>
  );
}
