import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useReducer, useRef } from "react";
import { uploadDocument } from "@/api/library";
import { documentsKey, queries } from "@/app/queries";
import { type DocumentPages, withDocument } from "@/features/library/documents";
import type { FileToUpload } from "@/features/library/dropped";

/** Few at a time: the browser has six connections to a server, and progress and chat need theirs. */
const atOnce = 3;

export interface FailedUpload {
  upload: FileToUpload;
  error: unknown;
}

export interface Uploads {
  /** Chosen and not yet sent. */
  waiting: number;
  failed: FailedUpload[];
  unchanged: number;
}

export type UploadEvent =
  | { type: "added"; count: number }
  | { type: "sent"; outcome: "queued" | "unchanged" }
  | { type: "failed"; failure: FailedUpload }
  | { type: "dismissed" };

export const noUploads: Uploads = { waiting: 0, failed: [], unchanged: 0 };

export function reduceUploads(uploads: Uploads, event: UploadEvent): Uploads {
  switch (event.type) {
    case "added":
      return { ...uploads, waiting: uploads.waiting + event.count };
    case "sent": {
      const unchanged = uploads.unchanged + (event.outcome === "unchanged" ? 1 : 0);
      return { ...uploads, waiting: uploads.waiting - 1, unchanged };
    }
    case "failed":
      return { ...uploads, waiting: uploads.waiting - 1, failed: [...uploads.failed, event.failure] };
    case "dismissed":
      return { ...uploads, failed: [], unchanged: 0 };
  }
}

export function useUploads(collectionId: string) {
  const client = useQueryClient();
  const [uploads, tell] = useReducer(reduceUploads, noUploads);
  const queue = useRef<FileToUpload[]>([]);
  const running = useRef(0);
  const abort = useRef(new AbortController());

  useEffect(() => {
    abort.current = new AbortController();
    return () => abort.current.abort();
  }, []);

  async function work(): Promise<void> {
    running.current += 1;
    for (let next = queue.current.shift(); next; next = queue.current.shift()) {
      try {
        const { document, outcome } = await uploadDocument(
          collectionId,
          next.file,
          next.path,
          abort.current.signal,
        );
        client.setQueryData<DocumentPages>(documentsKey(collectionId), (pages) =>
          withDocument(pages, document),
        );
        tell({ type: "sent", outcome });
      } catch (error) {
        if (abort.current.signal.aborted) break;
        tell({ type: "failed", failure: { upload: next, error } });
      }
    }
    running.current -= 1;
    void client.invalidateQueries({ queryKey: queries.collection(collectionId).queryKey });
  }

  function add(files: FileToUpload[]): void {
    tell({ type: "added", count: files.length });
    queue.current.push(...files);
    const free = Math.min(atOnce - running.current, files.length);
    for (let worker = 0; worker < free; worker += 1) void work();
  }

  function retry(): void {
    const again = uploads.failed.map((failure) => failure.upload);
    tell({ type: "dismissed" });
    add(again);
  }

  return { uploads, add, retry, dismiss: () => tell({ type: "dismissed" }) };
}
