import { describe, expect, it } from "vitest";
import type { Document } from "@/api/types";
import { type DocumentPages, withDocument } from "@/features/library/documents";
import { noUploads, reduceUploads, type UploadEvent } from "@/features/library/uploads";

const document = (id: string, change: Partial<Document> = {}): Document => ({
  id,
  collection_id: "c1",
  name: `${id}.pdf`,
  path: `${id}.pdf`,
  media_type: "application/pdf",
  state: "queued",
  reason: "",
  stage: "",
  percent: 0,
  version_number: 1,
  page_count: 0,
  passage_count: 0,
  size_bytes: 10,
  updated_at: "2026-03-01T10:00:00Z",
  ...change,
});

const pages: DocumentPages = {
  pageParams: [0],
  pages: [{ total: 2, items: [document("a"), document("b")] }],
};

describe("live progress", () => {
  it("changes a document in its place", () => {
    const changed = withDocument(pages, document("b", { state: "indexed" }));
    expect(changed?.pages[0]?.items.map((item) => item.state)).toEqual(["queued", "indexed"]);
    expect(changed?.pages[0]?.total).toBe(2);
  });

  it("puts a new document on top", () => {
    const changed = withDocument(pages, document("c"));
    expect(changed?.pages[0]?.items.map((item) => item.id)).toEqual(["c", "a", "b"]);
    expect(changed?.pages[0]?.total).toBe(3);
  });
});

describe("uploads", () => {
  it("lose no file silently", () => {
    const failure = {
      upload: { file: new File(["x"], "x.pdf"), path: "x.pdf" },
      error: new Error("too large"),
    };
    const events: UploadEvent[] = [
      { type: "added", count: 3 },
      { type: "sent", outcome: "queued" },
      { type: "sent", outcome: "unchanged" },
      { type: "failed", failure },
    ];
    expect(events.reduce(reduceUploads, noUploads)).toEqual({ waiting: 0, unchanged: 1, failed: [failure] });
  });
});
