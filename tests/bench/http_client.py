"""What our HTTP client costs beside aiohttp: CPU of this process per request and per streamed token, in one run.

    python -m tests.bench.http_client [--rounds 5] [--requests 4000] [--streams 64]

The clients take turns against the stand-in engine in C, which runs as a process of its own, so only the client's CPU is
counted (user and system). Every reply is counted too: a short one is an error. The event loop is uvloop, as in the
gateway. Needs the shared bench folder (`APPLIANCE_SHARED`) and a C compiler.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import uvloop

from appliance.inference.port import UpstreamReply
from appliance.inference.tls import AiohttpTransport
from appliance.inference.transport import EngineTransport, way_to
from tests.support.mock import bench_folder, mock_upstream

PORT = 19010
CHAT = b'{"model":"mock","max_tokens":64,"messages":[{"role":"user","content":"hello"}]}'
STREAM = CHAT[:-1] + b',"stream":true}'
TOKENS = 64
CONNECTIONS = 64
PACED = (50, 20)
"""First token and distance of tokens, ms."""

Work = Callable[[EngineTransport], Awaitable[int]]
"""Returns how many requests or tokens it was."""


async def _body(reply: UpstreamReply) -> bytes:
    parts = []
    while data := await reply.read():
        parts.append(data)
    reply.close()
    return b"".join(parts)


async def chats(way: EngineTransport, requests: int, at_once: int) -> int:
    """Plain requests, closed loop."""

    async def one_after_another(count: int) -> None:
        for _ in range(count):
            reply = await way.post("/v1/chat/completions", CHAT)
            body = await _body(reply)
            if reply.status != 200 or not body.endswith(b"}"):
                raise RuntimeError("a short reply")

    await asyncio.gather(*(one_after_another(requests // at_once) for _ in range(at_once)))
    return requests // at_once * at_once


async def streams(way: EngineTransport, at_once: int, each: int) -> int:
    """Streamed answers, read as they come."""

    async def read() -> None:
        for _ in range(each):
            body = await _body(await way.post("/v1/chat/completions", STREAM))
            if not body.endswith(b"data: [DONE]\n\n"):
                raise RuntimeError("a short stream")

    await asyncio.gather(*(read() for _ in range(at_once)))
    return at_once * each * TOKENS


async def cost_us(way: EngineTransport, work: Work) -> float:
    """CPU of this process for one request or token."""
    began = time.process_time()
    count = await work(way)
    return (time.process_time() - began) / count * 1e6


async def compare(url: str, work: Work, rounds: int) -> tuple[float, float]:
    """Medians of both clients, ours first, in turns."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=False) as session:
        ways = [way_to(url, 60.0), AiohttpTransport(session, url, 60.0)]
        costs: list[list[float]] = [[], []]
        for turn in range(rounds + 1):
            for at in (0, 1) if turn % 2 else (1, 0):
                cost = await cost_us(ways[at], work)
                if turn:  # the first round connects and warms up
                    costs[at].append(cost)
        for way in ways:
            way.close()
    return statistics.median(costs[0]), statistics.median(costs[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--streams", type=int, default=64)
    given = parser.parse_args()
    bench = bench_folder()
    if bench is None:
        print("SKIPPED: needs the shared bench folder (APPLIANCE_SHARED) and a C compiler (cc)", file=sys.stderr)
        return 77

    def chat_at(at_once: int) -> Work:
        return lambda way: chats(way, given.requests, at_once)

    def stream(way: EngineTransport) -> Awaitable[int]:
        return streams(way, given.streams, 2)

    first_ms, gap_ms = PACED
    cases = [
        ("request, one after another", (0, 0), chat_at(1)),
        (f"request, {CONNECTIONS} at once", (0, 0), chat_at(CONNECTIONS)),
        (f"token, {given.streams} streams, {gap_ms} ms apart", PACED, stream),
        (f"token, {given.streams} streams, no delay", (0, 0), stream),
    ]
    print(f"{'CPU, µs':44} {'ours':>8} {'aiohttp':>8} {'ratio':>6}")
    with mock_upstream(bench, PORT) as mock:
        for name, (first_ms, gap_ms), work in cases:
            mock.configure(tokens=TOKENS, ttft_ms=first_ms, gap_ms=gap_ms)
            ours, theirs = uvloop.run(compare(mock.url, work, given.rounds))
            print(f"{name:44} {ours:8.1f} {theirs:8.1f} {ours / theirs:6.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
