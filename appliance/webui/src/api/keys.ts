import { getJson, send, sendJson } from "@/api/http";
import type { ApiKey, CreatedApiKey, KeyScope, ServiceAccount } from "@/api/types";

/** Whose keys: a service account's id, or null for one's own. */
export type KeyHolder = string | null;

const part = encodeURIComponent;

const keysPath = (holder: KeyHolder) =>
  holder === null ? "/api/keys" : `/api/service-accounts/${part(holder)}/keys`;

export interface KeyWish {
  name: string;
  expires_in_days: number;
  scope: KeyScope;
}

export interface Rotation {
  overlap_hours: number;
  expires_in_days: number | null;
}

export const fetchKeys = (holder: KeyHolder) => getJson<ApiKey[]>(keysPath(holder));

export const createKey = (holder: KeyHolder, wish: KeyWish) =>
  sendJson<CreatedApiKey>("POST", keysPath(holder), wish);

export const rotateKey = (holder: KeyHolder, id: string, rotation: Rotation) =>
  sendJson<CreatedApiKey>("POST", `${keysPath(holder)}/${part(id)}/rotate`, rotation);

export const revokeKey = (holder: KeyHolder, id: string) =>
  send(`${keysPath(holder)}/${part(id)}`, { method: "DELETE" });

export const fetchKeyEndpoints = () => getJson<string[]>("/api/key-endpoints");

export const fetchServiceAccounts = () => getJson<ServiceAccount[]>("/api/service-accounts");

export const createServiceAccount = (account: { name: string; owner: { kind: string; id: string } }) =>
  sendJson<ServiceAccount>("POST", "/api/service-accounts", account);

export const disableServiceAccount = (id: string, disabled: boolean) =>
  sendJson<ServiceAccount>("PATCH", `/api/service-accounts/${part(id)}`, { disabled });
