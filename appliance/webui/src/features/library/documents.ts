import { type InfiniteData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiError } from "@/api/http";
import { type DocumentList, fetchDocuments, watchProgress } from "@/api/library";
import type { Document } from "@/api/types";
import { documentsKey, queries } from "@/app/queries";

const portion = 100;
const firstRetryMs = 1000;
const longestRetryMs = 30_000;

export type DocumentPages = InfiniteData<DocumentList, number>;

export function useDocuments(collectionId: string) {
  return useInfiniteQuery({
    queryKey: documentsKey(collectionId),
    queryFn: ({ pageParam }) => fetchDocuments(collectionId, pageParam, portion),
    initialPageParam: 0,
    getNextPageParam: (last, all) => {
      const loaded = all.reduce((sum, list) => sum + list.items.length, 0);
      return loaded < last.total && last.items.length > 0 ? loaded : undefined;
    },
  });
}

/** Puts a changed document in its place, or a new one on top. */
export function withDocument(
  pages: DocumentPages | undefined,
  document: Document,
): DocumentPages | undefined {
  if (!pages) return pages;
  const known = pages.pages.some((list) => list.items.some((item) => item.id === document.id));
  const lists = pages.pages.map((list, index) => {
    if (known) {
      return { ...list, items: list.items.map((item) => (item.id === document.id ? document : item)) };
    }
    return { total: list.total + 1, items: index === 0 ? [document, ...list.items] : list.items };
  });
  return { ...pages, pages: lists };
}

/** Follows the server's progress while the page is open; a lost connection is taken up again, ever more slowly. */
export function useProgress(collectionId: string): void {
  const client = useQueryClient();
  useEffect(() => {
    const abort = new AbortController();
    const follow = async () => {
      let changed = false;
      for await (const event of watchProgress(collectionId, abort.signal)) {
        if (event.type === "document") {
          changed = true;
          client.setQueryData<DocumentPages>(documentsKey(collectionId), (pages) =>
            withDocument(pages, event.document),
          );
        } else if (changed) {
          changed = false;
          void client.invalidateQueries({ queryKey: queries.collection(collectionId).queryKey });
          void client.invalidateQueries({ queryKey: queries.collections.queryKey });
        }
      }
    };
    void keepFollowing(follow, abort.signal);
    return () => abort.abort();
  }, [client, collectionId]);
}

async function keepFollowing(follow: () => Promise<void>, signal: AbortSignal): Promise<void> {
  let waitMs = firstRetryMs;
  while (!signal.aborted) {
    try {
      await follow();
      waitMs = firstRetryMs;
    } catch (error) {
      // Refused for good (deleted, or no longer ours): the page's own queries say so. All else may pass.
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) return;
    }
    await pause(waitMs, signal);
    waitMs = Math.min(waitMs * 2, longestRetryMs);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
