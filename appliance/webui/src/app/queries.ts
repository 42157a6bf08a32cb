import { QueryCache, QueryClient, queryOptions } from "@tanstack/react-query";
import { fetchExplanation, fetchGroup, fetchPermissions, fetchView } from "@/api/access";
import { fetchBreakGlass, fetchNotices } from "@/api/breakGlass";
import { fetchAssistants, fetchConversation, fetchConversations } from "@/api/conversations";
import { ApiError } from "@/api/http";
import { fetchKeyEndpoints, fetchKeys, fetchServiceAccounts, type KeyHolder } from "@/api/keys";
import { fetchCollection, fetchCollections, fetchDocument, fetchPage, fetchPassage } from "@/api/library";
import { fetchModels } from "@/api/models";
import { fetchGroups, fetchUsers } from "@/api/people";
import { fetchMe, fetchSession } from "@/api/session";

const enginePollMs = 3000;
const turnPollMs = 1000;

/** Every question to the server has its name here, so that whoever changes something knows what to ask again. */
export const queries = {
  me: queryOptions({ queryKey: ["me"], queryFn: fetchMe, staleTime: 60_000 }),
  session: queryOptions({ queryKey: ["session"], queryFn: fetchSession, staleTime: 60_000 }),
  assistants: queryOptions({ queryKey: ["assistants"], queryFn: fetchAssistants, staleTime: 60_000 }),
  conversations: queryOptions({ queryKey: ["conversations"], queryFn: fetchConversations }),
  conversation: (id: string) =>
    queryOptions({
      queryKey: ["conversation", id],
      queryFn: () => fetchConversation(id),
      // A turn that runs without a stream of ours (after a reload) is followed by asking again.
      refetchInterval: (query) =>
        query.state.data?.turns.some((turn) => turn.state === "running") ? turnPollMs : false,
    }),
  collections: queryOptions({ queryKey: ["collections"], queryFn: fetchCollections }),
  collection: (id: string) =>
    queryOptions({ queryKey: ["collection", id], queryFn: () => fetchCollection(id) }),
  document: (id: string) => queryOptions({ queryKey: ["document", id], queryFn: () => fetchDocument(id) }),
  passage: (id: string) => queryOptions({ queryKey: ["passage", id], queryFn: () => fetchPassage(id) }),
  page: (documentId: string, page: number, version: number | null) =>
    queryOptions({
      queryKey: ["page", documentId, page, version],
      queryFn: () => fetchPage(documentId, page, version),
    }),
  models: queryOptions({ queryKey: ["models"], queryFn: fetchModels, refetchInterval: enginePollMs }),
  keys: (holder: KeyHolder) => queryOptions({ queryKey: ["keys", holder], queryFn: () => fetchKeys(holder) }),
  keyEndpoints: queryOptions({ queryKey: ["key-endpoints"], queryFn: fetchKeyEndpoints, staleTime: 600_000 }),
  serviceAccounts: queryOptions({ queryKey: ["service-accounts"], queryFn: fetchServiceAccounts }),
  users: queryOptions({ queryKey: ["users"], queryFn: fetchUsers }),
  groups: queryOptions({ queryKey: ["groups"], queryFn: fetchGroups }),
  breakGlass: queryOptions({ queryKey: ["break-glass"], queryFn: fetchBreakGlass }),
  notices: queryOptions({ queryKey: ["notices"], queryFn: fetchNotices, staleTime: 60_000 }),
  group: (id: string) => queryOptions({ queryKey: ["group", id], queryFn: () => fetchGroup(id) }),
  permissions: queryOptions({ queryKey: ["permissions"], queryFn: fetchPermissions, staleTime: 60_000 }),
  explanation: (kind: "document" | "collection", id: string, user?: string) =>
    queryOptions({ queryKey: ["why", kind, id, user], queryFn: () => fetchExplanation(kind, id, user) }),
  view: (user: string) => queryOptions({ queryKey: ["view", user], queryFn: () => fetchView(user) }),
};

/** The documents of a collection come in portions, so they have a key of their own. */
export const documentsKey = (collectionId: string) => ["documents", collectionId];

const mayHelpToRepeat = (error: unknown) =>
  !(error instanceof ApiError) || error.status === 0 || error.status >= 500;

export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        // The session has ended elsewhere: the shell sees it and shows the login.
        if (error instanceof ApiError && error.status === 401) client.setQueryData(queries.me.queryKey, null);
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 5000,
        networkMode: "always",
        retry: (count, error) => count < 2 && mayHelpToRepeat(error),
      },
      mutations: { networkMode: "always" },
    },
  });
  return client;
}
