import { getJson, send, sendJson } from "@/api/http";
import type { Explanation, FoundAs, GroupDetails, Permissions, SeenCollection } from "@/api/types";

export const fetchPermissions = () => getJson<Permissions>("/api/permissions");

/** Why the account sees the object; without a user, why we do. */
export const fetchExplanation = (kind: "document" | "collection", id: string, user?: string) => {
  const asked = new URLSearchParams({ [kind]: id, ...(user ? { user } : {}) });
  return getJson<Explanation>(`/api/access/explain?${asked}`);
};

export const fetchView = (user: string) =>
  getJson<SeenCollection[]>(`/api/access/view?user=${encodeURIComponent(user)}`);

export const searchAs = (user: string, query: string) =>
  sendJson<FoundAs[]>("POST", "/api/access/search", { user, query });

const groupPath = (id: string) => `/api/groups/${encodeURIComponent(id)}`;

export const fetchGroup = (id: string) => getJson<GroupDetails>(groupPath(id));

export const setGroupAdministrator = (groupId: string, userId: string, is: boolean) =>
  send(`${groupPath(groupId)}/administrators/${encodeURIComponent(userId)}`, {
    method: is ? "PUT" : "DELETE",
  });
