import { getJson, send, sendJson } from "@/api/http";
import { readEvents } from "@/api/sse";
import type { Collection, Document, DocumentDetail, DocumentPage, Passage, Reader } from "@/api/types";

const collectionPath = (id: string) => `/api/collections/${encodeURIComponent(id)}`;
const documentPath = (id: string) => `/api/documents/${encodeURIComponent(id)}`;

export const fetchCollections = () => getJson<Collection[]>("/api/collections");

export const fetchCollection = (id: string) => getJson<Collection>(collectionPath(id));

export interface CollectionChange {
  name?: string;
  description?: string;
  readers?: Reader[];
}

export const createCollection = (collection: CollectionChange & { name: string }) =>
  sendJson<Collection>("POST", "/api/collections", collection);

export const changeCollection = (id: string, change: CollectionChange) =>
  sendJson<Collection>("PATCH", collectionPath(id), change);

export const deleteCollection = (id: string) => send(collectionPath(id), { method: "DELETE" });

export interface DocumentList {
  total: number;
  items: Document[];
}

export const fetchDocuments = (collectionId: string, offset: number, limit: number) =>
  getJson<DocumentList>(`${collectionPath(collectionId)}/documents?offset=${offset}&limit=${limit}`);

export const fetchDocument = (id: string) => getJson<DocumentDetail>(documentPath(id));

export const deleteDocument = (id: string) => send(documentPath(id), { method: "DELETE" });

export interface UploadResult {
  document: Document;
  outcome: "queued" | "unchanged";
}

export async function uploadDocument(
  collectionId: string,
  file: File,
  path: string,
  signal: AbortSignal,
): Promise<UploadResult> {
  const body = new FormData();
  body.set("path", path);
  body.set("file", file, file.name);
  const response = await send(`${collectionPath(collectionId)}/documents`, { method: "POST", body, signal });
  return (await response.json()) as UploadResult;
}

export type ProgressEvent = { type: "document"; document: Document } | { type: "idle" };

export async function* watchProgress(
  collectionId: string,
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent> {
  const response = await send(`${collectionPath(collectionId)}/progress`, {
    signal,
    accept: "text/event-stream",
  });
  if (!response.body) return;
  for await (const { name, data } of readEvents(response.body)) {
    if (name === "document") yield { type: "document", document: JSON.parse(data) as Document };
    if (name === "idle") yield { type: "idle" };
  }
}

export const fetchPassage = (id: string) => getJson<Passage>(`/api/passages/${encodeURIComponent(id)}`);

const versionQuery = (version: number | null) => (version === null ? "" : `?version=${version}`);

export const fetchPage = (documentId: string, page: number, version: number | null) =>
  getJson<DocumentPage>(`${documentPath(documentId)}/pages/${page}${versionQuery(version)}`);

export const pageImageUrl = (documentId: string, page: number, version: number | null) =>
  `${documentPath(documentId)}/pages/${page}/image${versionQuery(version)}`;

export const fileUrl = (documentId: string) => `${documentPath(documentId)}/file`;
