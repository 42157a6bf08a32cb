/** One way to call the server: same origin, the session cookie, and errors that carry their way out. */

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly remedy: string;

  constructor(status: number, code: string, message: string, remedy = "") {
    super(message);
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }
}

interface Call {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  signal?: AbortSignal;
  accept?: string;
}

/** Status 0: the server could not be reached at all. */
export async function send(path: string, call: Call = {}): Promise<Response> {
  const method = call.method ?? "GET";
  const headers: Record<string, string> = { Accept: call.accept ?? "application/json" };
  if (method !== "GET") headers["X-Requested-With"] = "appliance";
  let body: BodyInit | undefined;
  if (call.body instanceof FormData) {
    body = call.body;
  } else if (call.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(call.body);
  }
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body, signal: call.signal, credentials: "same-origin" });
  } catch (cause) {
    if (call.signal?.aborted) throw cause;
    throw new ApiError(0, "unreachable", "The appliance cannot be reached.");
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, { signal });
  return (await response.json()) as T;
}

export async function sendJson<T>(method: "POST" | "PATCH", path: string, body: unknown): Promise<T> {
  const response = await send(path, { method, body });
  return (await response.json()) as T;
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  const parsed = parseError(text);
  const message = parsed?.message || `The appliance answered with status ${response.status}.`;
  return new ApiError(response.status, parsed?.code ?? "unknown", message, parsed?.remedy);
}

function parseError(text: string): { code?: string; message?: string; remedy?: string } | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "error" in value) {
      return (value as { error: { code?: string; message?: string; remedy?: string } }).error;
    }
  } catch {
    // A proxy in between may answer with a page of its own; the status then says all there is.
  }
  return null;
}
