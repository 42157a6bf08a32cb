import { useRef } from "react";
import { pageImageUrl } from "@/api/library";
import type { Box, DocumentPage } from "@/api/types";
import { useI18n } from "@/i18n";

interface PageImageProps {
  page: DocumentPage;
  documentName: string;
  boxes: Box[];
}

const percent = (share: number) => `${share * 100}%`;

/** The page as it looks, with the passage's rectangles over it. */
export function PageImage({ page, documentName, boxes }: PageImageProps) {
  const { t } = useI18n();
  const first = useRef<HTMLSpanElement>(null);
  // The passage changes with the page, so the parent gives each its own key; the height comes with the picture.
  const showFirstBox = () => {
    first.current?.scrollIntoView({ block: "center" });
  };
  return (
    <div className="page-image">
      <img
        src={pageImageUrl(page.document_id, page.page, page.version_number)}
        alt={t("source.page_image", { page: page.page, document: documentName })}
        onLoad={showFirstBox}
      />
      {boxes.map(([left, top, right, bottom], index) => (
        <span
          key={`${left} ${top} ${right} ${bottom}`}
          ref={index === 0 ? first : undefined}
          className="page-image__box"
          style={{
            left: percent(left),
            top: percent(top),
            width: percent(right - left),
            height: percent(bottom - top),
          }}
        />
      ))}
    </div>
  );
}
