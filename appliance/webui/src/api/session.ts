import { ApiError, getJson, send, sendJson } from "@/api/http";
import type { ApiKey, CreatedApiKey, Me } from "@/api/types";

export const login = (email: string, password: string) =>
  sendJson<Me>("POST", "/auth/login", { email, password });

export const logout = () => send("/auth/logout", { method: "POST" });

/** Null when nobody is logged in; other failures are thrown. */
export async function fetchMe(): Promise<Me | null> {
  try {
    return await getJson<Me>("/api/me");
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export const changePassword = (current: string, next: string) =>
  send("/api/me/password", { method: "POST", body: { current, new: next } });

export const fetchKeys = () => getJson<ApiKey[]>("/api/keys");

export const createKey = (name: string, expiresInDays: number) =>
  sendJson<CreatedApiKey>("POST", "/api/keys", { name, expires_in_days: expiresInDays });

export const revokeKey = (id: string) => send(`/api/keys/${encodeURIComponent(id)}`, { method: "DELETE" });
