import { getJson, send, sendJson } from "@/api/http";
import type { Me } from "@/api/types";

export const login = (email: string, password: string) =>
  sendJson<Me>("POST", "/auth/login", { email, password });

export const logout = () => send("/auth/logout", { method: "POST" });

/** Null when nobody is logged in. */
export const fetchMe = async (): Promise<Me | null> =>
  (await getJson<{ user: Me | null }>("/auth/session")).user;

export const changePassword = (current: string, next: string) =>
  send("/api/me/password", { method: "POST", body: { current, new: next } });
