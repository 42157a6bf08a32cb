import { type ReactNode, useEffect, useRef } from "react";
import type { PageBlock } from "@/api/types";
import { findQuoted, type Range } from "@/features/sources/marks";
import { useI18n } from "@/i18n";

interface PageTextProps {
  blocks: PageBlock[];
  /** The passage whose text is marked; the quote, when known, is marked stronger. */
  passageText: string | null;
  quote: string | null;
}

/** The text of a page as it was read, with the quoted passage marked and brought into view. */
export function PageText({ blocks, passageText, quote }: PageTextProps) {
  const { t } = useI18n();
  const root = useRef<HTMLDivElement>(null);
  const wanted = quote || passageText;
  useEffect(() => {
    if (wanted) root.current?.querySelector("mark")?.scrollIntoView({ block: "center" });
  }, [wanted]);
  if (blocks.every((block) => block.text.trim() === ""))
    return <p className="quiet">{t("source.empty_page")}</p>;
  return (
    <div className="page-text" ref={root}>
      {blocks.map((block, index) => {
        const inPassage = passageText !== null && findQuoted(block.text, passageText).length > 0;
        return (
          <p
            // biome-ignore lint/suspicious/noArrayIndexKey: the blocks of a page of one version never change
            key={index}
            className={`page-text__block page-text__block--${block.kind} ${inPassage ? "page-text__block--passage" : ""}`}
          >
            {wanted ? marked(block.text, findQuoted(block.text, wanted)) : block.text}
          </p>
        );
      })}
    </div>
  );
}

function marked(text: string, ranges: Range[]): ReactNode {
  const parts: ReactNode[] = [];
  let end = 0;
  for (const [start, stop] of ranges) {
    parts.push(text.slice(end, start), <mark key={start}>{text.slice(start, stop)}</mark>);
    end = stop;
  }
  return [...parts, text.slice(end)];
}
