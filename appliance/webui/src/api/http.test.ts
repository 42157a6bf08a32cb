import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError, getJson, send } from "@/api/http";

function respond(response: Response | Error) {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => {
    if (response instanceof Error) throw response;
    return response;
  });
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

const headersOf = (fetch: ReturnType<typeof respond>) => fetch.mock.calls[0]?.[1]?.headers;

describe("calls to the server", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("carry our header on unsafe methods and only there", async () => {
    const fetch = respond(new Response("{}"));
    await send("/api/conversations", { method: "POST", body: {} });
    expect(headersOf(fetch)).toMatchObject({ "X-Requested-With": "appliance" });
    const reading = respond(new Response("{}"));
    await getJson("/api/me");
    expect(headersOf(reading)).not.toHaveProperty("X-Requested-With");
  });

  it("leave the type of a form to the browser, which knows its boundary", async () => {
    const fetch = respond(new Response("{}"));
    await send("/api/collections/1/documents", { method: "POST", body: new FormData() });
    expect(headersOf(fetch)).not.toHaveProperty("Content-Type");
  });

  it("fail with the cause and the way out", async () => {
    const body = { error: { code: "engine_busy", message: "The engine is busy.", remedy: "Wait a moment." } };
    respond(new Response(JSON.stringify(body), { status: 503 }));
    const expected = {
      status: 503,
      code: "engine_busy",
      message: "The engine is busy.",
      remedy: "Wait a moment.",
    };
    await expect(getJson("/api/models")).rejects.toMatchObject(expected);
  });

  it("say the status when something in between answers with a page", async () => {
    respond(new Response("<html>Bad gateway</html>", { status: 502 }));
    await expect(getJson("/api/models")).rejects.toThrow("502");
  });

  it("name an unreachable server as such", async () => {
    respond(new TypeError("Failed to fetch"));
    const error = await getJson("/api/models").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 0, code: "unreachable" });
  });
});
