import { getJson, send, sendJson } from "@/api/http";
import type { Me } from "@/api/types";

export const login = (email: string, password: string) =>
  sendJson<Me>("POST", "/auth/login", { email, password });

/** Where the browser goes next: with single sign-on perhaps to the identity provider, to be logged out there too. */
export const logout = async (): Promise<string> => {
  const done = await send("/auth/logout", { method: "POST" });
  const { continue_at } = (await done.json()) as { continue_at: string | null };
  return continue_at ?? "/login?signed-out";
};

export interface SessionState {
  user: Me | null;
  single_sign_on: boolean;
  break_glass_open: boolean;
}

export const fetchSession = () => getJson<SessionState>("/auth/session");

/** Null when nobody is logged in. */
export const fetchMe = async (): Promise<Me | null> => (await fetchSession()).user;

export const signOnAddress = (next: string | undefined) =>
  `/auth/oidc/login?${new URLSearchParams({ next: next ?? "/" })}`;

export const changePassword = (current: string, next: string) =>
  send("/api/me/password", { method: "POST", body: { current, new: next } });
