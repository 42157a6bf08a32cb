"""Many streams at once, then half of the clients vanish: nothing lost, nothing left running, nothing booked wrong.

    python -m tests.campaigns.streams [--streams 1000] [--leavers 500] [--gap-ms 100] [--tokens 100]

The gateway has one process, as it is shipped; the stand-in engine is the shared one in C. First the same clients ask
the stand-in directly, then through the gateway; printed are errors, short streams, the time to the first token that the
gateway adds, and its memory. Then clients close their connections at one moment: the engine must have stopped all their
requests within a second, and the ledger must hold as many tokens as the engine made.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.metrics import percentile
from tests.support.mock import MODEL, Mock, before_the_mock, bench_folder, mock_upstream
from tests.support.process import ApplianceProcess, wait_until

PORT = 19010
RAMP_S = 2.0
"""Over this time the clients come; all at one instant would measure only the queue at the door."""
TTFT_MS = 50.0
ABORTED_WITHIN_S = 1.0


@dataclass
class Client:
    """One connection that asks for one stream."""

    tokens: int = 0
    first_s: float = 0.0
    """From the request to the first token."""
    ended: bool = False
    status: int = 0
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with the third token."""

    async def ask(self, port: int, key: str, tokens: int) -> None:
        """Read to the end, or until cancelled, which closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            messages = '[{"role":"user","content":"x"}]'
            body = f'{{"model":"{MODEL}","messages":{messages},"stream":true,"max_tokens":{tokens}}}'
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            began = time.monotonic()
            writer.write((head + body).encode())
            self.status = int((await reader.readline()).split()[1])
            while line := await reader.readline():
                if b'"content":"' in line and b'"role"' not in line and b'"finish_reason":null' in line:
                    self.tokens += 1
                    if self.tokens == 1:
                        self.first_s = time.monotonic() - began
                    if self.tokens == 3:
                        self.enough.set()
                elif line.startswith(b"data: [DONE]"):
                    self.ended = True
                    return
        finally:
            writer.transport.abort()


async def crowd(port: int, key: str, count: int, tokens: int) -> list[Client]:
    """All ask within the ramp and read to the end."""
    clients = [Client() for _ in range(count)]

    async def later(at: int, client: Client) -> None:
        await asyncio.sleep(RAMP_S * at / count)
        await client.ask(port, key, tokens)

    await asyncio.gather(*(later(at, client) for at, client in enumerate(clients)))
    return clients


async def vanish(mock: Mock, port: int, key: str, count: int) -> tuple[float, int]:
    """Clients that leave at one moment; seconds until the engine has stopped everything, and tokens they had read."""
    before = mock.stats()["aborted"]
    clients = [Client() for _ in range(count)]
    tasks = [asyncio.create_task(client.ask(port, key, 5000)) for client in clients]
    await asyncio.gather(*(client.enough.wait() for client in clients))
    began = time.monotonic()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    while mock.stats()["aborted"] - before < count and time.monotonic() - began < 10 * ABORTED_WITHIN_S:
        await asyncio.sleep(0.01)
    return time.monotonic() - began, sum(client.tokens for client in clients)


def booked(process: ApplianceProcess) -> tuple[int, int]:
    """Requests and generated tokens in the ledger."""
    with sqlite3.connect(process.data / "appliance.db") as database:
        row = database.execute(
            "SELECT coalesce(sum(requests), 0), coalesce(sum(completion_tokens), 0) FROM usage_ledger"
        )
        requests, tokens = row.fetchone()
    return int(requests), int(tokens)


def memory_mb(pid: int) -> float:
    """Proportional set size."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1]) / 1024


def report(name: str, clients: Sequence[Client], tokens: int) -> tuple[list[float], list[str]]:
    """Times to the first token, ms, and what is wrong."""
    firsts = [client.first_s * 1000 for client in clients if client.tokens]
    errors = sum(client.status != 200 for client in clients)
    short = sum(client.tokens != tokens or not client.ended for client in clients)
    p50, p99 = percentile(firsts, 0.5), percentile(firsts, 0.99)
    print(
        f"{name}: {len(clients)} streams, {errors} errors, {short} short, first token p50 {p50:.1f} ms p99 {p99:.1f} ms"
    )
    return firsts, [f"{name}: {errors} errors, {short} short streams"] if errors or short else []


def run(bench: Path, work: Path, streams: int, leavers: int, gap_ms: float, tokens: int) -> list[str]:
    """The whole campaign; what is wrong, empty when nothing is."""
    process = before_the_mock(work, PORT)
    with mock_upstream(bench, PORT) as mock:
        process.start()
        try:
            key = str(process.cli_json("keys", "create", "streams")["key"])
            return measured(mock, process, key, streams, leavers, gap_ms, tokens)
        finally:
            process.stop()


def measured(
    mock: Mock, process: ApplianceProcess, key: str, streams: int, leavers: int, gap_ms: float, tokens: int
) -> list[str]:
    assert process.process is not None
    mock.configure(tokens=tokens, ttft_ms=TTFT_MS, gap_ms=gap_ms)
    idle_mb = memory_mb(process.process.pid)
    direct, wrong = report("direct", asyncio.run(crowd(PORT, key, streams, tokens)), tokens)
    before = mock.stats()
    through, more = report("through the gateway", asyncio.run(crowd(process.port, key, streams, tokens)), tokens)
    wrong += more
    print(
        f"added to the first token: p50 {percentile(through, 0.5) - percentile(direct, 0.5):.1f} ms, "
        f"p99 {percentile(through, 0.99) - percentile(direct, 0.99):.1f} ms; "
        f"memory {idle_mb:.0f} MB idle, {memory_mb(process.process.pid):.0f} MB after"
    )
    gone_s, read = asyncio.run(vanish(mock, process.port, key, leavers))
    print(f"{leavers} clients vanished: the engine had stopped all after {gone_s:.2f} s; they had read {read} tokens")
    if gone_s > ABORTED_WITHIN_S:
        wrong.append(f"the engine went on for {gone_s:.2f} s")
    after = mock.stats()
    probes = after["requests"] - before["requests"] - streams - leavers
    made = after["tokens"] - before["tokens"] - probes  # the gateway's own health questions take one token each
    wait_until(lambda: booked(process)[0] >= streams + leavers, 15, "the ledger")
    requests, tokens_booked = booked(process)
    print(f"ledger: {requests} requests, {tokens_booked} tokens; the engine made {made}")
    if requests != streams + leavers or tokens_booked != made:
        wrong.append(f"the ledger has {tokens_booked} tokens, the engine made {made}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--leavers", type=int, default=500)
    parser.add_argument("--gap-ms", type=float, default=100.0)
    parser.add_argument("--tokens", type=int, default=100)
    given = parser.parse_args()
    bench = bench_folder()
    if bench is None:
        print("SKIPPED: needs the shared bench folder (APPLIANCE_SHARED) and a C compiler (cc)", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory() as folder:
        wrong = run(bench, Path(folder), given.streams, given.leavers, given.gap_ms, given.tokens)
    print("\n".join(wrong) or "every stream whole, every request stopped, every token booked")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
