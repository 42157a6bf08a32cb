import { getJson, send, sendJson } from "@/api/http";
import type { ApiKey, CreatedApiKey, Me } from "@/api/types";

export const login = (email: string, password: string) =>
  sendJson<Me>("POST", "/auth/login", { email, password });

export const logout = () => send("/auth/logout", { method: "POST" });

/** Null when nobody is logged in. */
export const fetchMe = async (): Promise<Me | null> =>
  (await getJson<{ user: Me | null }>("/auth/session")).user;

export const changePassword = (current: string, next: string) =>
  send("/api/me/password", { method: "POST", body: { current, new: next } });

export const fetchKeys = () => getJson<ApiKey[]>("/api/keys");

export const createKey = (name: string, expiresInDays: number) =>
  sendJson<CreatedApiKey>("POST", "/api/keys", { name, expires_in_days: expiresInDays });

export const revokeKey = (id: string) => send(`/api/keys/${encodeURIComponent(id)}`, { method: "DELETE" });
