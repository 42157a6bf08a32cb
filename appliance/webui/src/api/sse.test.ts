import { describe, expect, it } from "vitest";
import { readEvents, type ServerEvent } from "@/api/sse";

async function read(chunks: (string | Uint8Array)[]): Promise<ServerEvent[]> {
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks)
        controller.enqueue(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
      controller.close();
    },
  });
  const events: ServerEvent[] = [];
  for await (const event of readEvents(stream)) events.push(event);
  return events;
}

describe("server-sent events", () => {
  it("are read wherever the network cuts them, also inside a character", async () => {
    const bytes = new TextEncoder().encode('event: token\ndata: {"text":"文書"}\n\n');
    const single = [...bytes].map((byte) => new Uint8Array([byte]));
    expect(await read(single)).toEqual([{ name: "token", data: '{"text":"文書"}' }]);
  });

  it("may end their lines with CRLF, even cut in between", async () => {
    expect(await read(["event: a\r", "\ndata: 1\r\n\r", "\ndata: 2\r\n\r\n"])).toEqual([
      { name: "a", data: "1" },
      { name: "message", data: "2" },
    ]);
  });

  it("leave out comments and an event that was never finished", async () => {
    expect(await read([": ping\n\n", "event: a\ndata: 1\n\n", "event: b\ndata: 2\n"])).toEqual([
      { name: "a", data: "1" },
    ]);
  });

  it("join several data lines", async () => {
    expect(await read(["data: one\ndata: two\n\n"])).toEqual([{ name: "message", data: "one\ntwo" }]);
  });

  it("tell the server when nobody reads any more", async () => {
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\ndata: 2\n\n")),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const _ of readEvents(stream)) break;
    expect(cancelled).toBe(true);
  });
});
