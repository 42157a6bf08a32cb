import { getJson, send, sendJson } from "@/api/http";
import type { CreatedUser, Group, Role, User } from "@/api/types";

export const fetchUsers = () => getJson<User[]>("/api/users");

export const createUser = (user: { email: string; name: string; roles: Role[] }) =>
  sendJson<CreatedUser>("POST", "/api/users", user);

export interface UserChange {
  name?: string;
  roles?: Role[];
  disabled?: boolean;
  password?: string;
}

export const changeUser = (id: string, change: UserChange) =>
  sendJson<User>("PATCH", `/api/users/${encodeURIComponent(id)}`, change);

export const fetchGroups = () => getJson<Group[]>("/api/groups");

export const createGroup = (name: string) => sendJson<Group>("POST", "/api/groups", { name });

export const setMember = (groupId: string, userId: string, member: boolean) =>
  send(`/api/groups/${encodeURIComponent(groupId)}/members/${encodeURIComponent(userId)}`, {
    method: member ? "PUT" : "DELETE",
  });
