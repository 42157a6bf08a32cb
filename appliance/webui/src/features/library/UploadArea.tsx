import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { droppedFiles, type FileToUpload, pickedFiles } from "@/features/library/dropped";
import type { Uploads } from "@/features/library/uploads";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { Icon } from "@/ui/Icon";
import { Notice, useErrorText } from "@/ui/Notice";

/** Files can be dropped anywhere on what it surrounds. */
export function DropArea({
  onFiles,
  children,
}: {
  onFiles(files: FileToUpload[]): void;
  children: ReactNode;
}) {
  const { t } = useI18n();
  const [over, setOver] = useState(false);
  const hasFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  return (
    <section
      aria-label={t("library.drop")}
      className={`drop ${over ? "drop--over" : ""}`}
      onDragOver={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={async (event) => {
        event.preventDefault();
        setOver(false);
        onFiles(await droppedFiles(event.dataTransfer));
      }}
    >
      {children}
      {over && (
        <div className="drop__hint" aria-hidden="true">
          <Icon name="upload" />
          {t("library.drop")}
        </div>
      )}
    </section>
  );
}

export function UploadButtons({ onFiles }: { onFiles(files: FileToUpload[]): void }) {
  const { t } = useI18n();
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = (input: HTMLInputElement) => {
    if (input.files) onFiles(pickedFiles(input.files));
    // The same file may be chosen again.
    input.value = "";
  };
  return (
    <>
      <input ref={files} type="file" multiple hidden onChange={(event) => take(event.currentTarget)} />
      <input
        ref={folder}
        type="file"
        webkitdirectory=""
        hidden
        onChange={(event) => take(event.currentTarget)}
      />
      <Button look="primary" icon="upload" onClick={() => files.current?.click()}>
        {t("library.upload")}
      </Button>
      <Button onClick={() => folder.current?.click()}>{t("library.upload_folder")}</Button>
    </>
  );
}

interface UploadReportProps {
  uploads: Uploads;
  onRetry(): void;
  onDismiss(): void;
}

export function UploadReport({ uploads, onRetry, onDismiss }: UploadReportProps) {
  const { t, count } = useI18n();
  const errorText = useErrorText();
  const dismiss = (
    <Button small look="quiet" onClick={onDismiss}>
      {t("library.dismiss")}
    </Button>
  );
  return (
    <div className="uploads" aria-live="polite">
      {uploads.waiting > 0 && <Notice tone="notice">{count("library.uploading", uploads.waiting)}</Notice>}
      {uploads.unchanged > 0 && (
        <Notice tone="ok">
          {count("library.upload_unchanged", uploads.unchanged)} {dismiss}
        </Notice>
      )}
      {uploads.failed.length > 0 && (
        <Notice tone="danger">
          <p>{count("library.upload_failed", uploads.failed.length)}</p>
          <ul className="uploads__failed">
            {uploads.failed.map(({ upload, error }) => (
              <li key={upload.path}>
                <strong>{upload.path}</strong>: {errorText(error)}
              </li>
            ))}
          </ul>
          <Button small icon="retry" onClick={onRetry}>
            {t("action.retry")}
          </Button>{" "}
          {dismiss}
        </Notice>
      )}
    </div>
  );
}
