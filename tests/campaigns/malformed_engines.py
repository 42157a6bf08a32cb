"""Engines that misbehave, from a seed: whatever they send, each request ends in time, whole or as an error.

    python -m tests.campaigns.malformed_engines [--requests 20000] [--seed N]

Each reply is one that is right, sent right, or damaged in one of many ways: cut, closed, reset, fallen silent, bytes
turned over, lengths and chunk sizes changed, a second reply behind it, a flood of headers. The engine knows what it
meant; a reply that is taken for whole must be exactly what was sent.
"""

import argparse
import asyncio
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import uvloop

from appliance.inference.errors import EngineUnavailable
from appliance.inference.http1 import Limits, Transport
from tests.fakes.scripted import ScriptedEngine, Wire, chunk, scripted, whole

LIMITS = Limits(connect_s=5.0, silence_s=0.5, idle_s=1.0)
AT_ONCE = 50
SLOWEST_S = 20.0
"""Far above the time-out for silence, since the machine may be busy."""


@dataclass
class Outcome:
    requests: int = 0
    whole: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    left: int = 0
    """Connections that were neither closed nor waiting at the end."""
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    grown_mib: float = 0.0
    """Peak memory of the second half above that of the first."""


@dataclass(frozen=True)
class Parts:
    """A right reply, taken apart."""

    before: bytes
    """Interim replies."""
    head: bytes
    """Without the empty line."""
    framed: bytes
    chunked: bool

    def raw(self) -> bytes:
        return self.before + self.head + b"\r\n\r\n" + self.framed


@dataclass(frozen=True)
class Reply:
    """What an engine is going to send."""

    raw: bytes
    body: bytes
    damage: str
    pieces: int
    end: str
    """keep, close, half_close, reset or silent."""


def make(dice: random.Random) -> Reply:
    """The next reply. About half are right."""
    body = dice.randbytes(dice.choice([0, 1, 10, 300, 5000]))
    parts = dice.choice([_with_length, _chunked])(dice, body)
    possible = [*EVERYWHERE, *(IN_CHUNKS if parts.chunked else IN_LENGTHS)]
    damage = dice.choice(["none"] * len(possible) + possible)
    raw = DAMAGES[damage](dice, parts) if damage != "none" else parts.raw()
    end = dice.choice(["keep", "keep", "keep", "close", "half_close", "reset"])
    if damage == "cut":
        end = dice.choice(["close", "half_close", "reset", "silent"])
    pieces = 1 if damage in TOO_MUCH else dice.choice([1, 1, 2, 5])
    return Reply(raw, body, damage, pieces, end)


def _with_length(dice: random.Random, body: bytes) -> Parts:
    return Parts(_interim(dice), b"HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: %d" % len(body), body, chunked=False)


def _chunked(dice: random.Random, body: bytes) -> Parts:
    framed, at = [], 0
    while at < len(body):
        size = dice.randint(1, 700)
        framed.append(chunk(body[at : at + size]))
        at += size
    framed += [b"0\r\n", dice.choice([b"", b"x-sum: 1\r\n"]), b"\r\n"]
    return Parts(_interim(dice), b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked", b"".join(framed), chunked=True)


def _interim(dice: random.Random) -> bytes:
    return dice.choice([b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n"])


def _in_head(parts: Parts, head: bytes) -> bytes:
    return replace(parts, head=head).raw()


def _flip(dice: random.Random, parts: Parts) -> bytes:
    """Within the head: in a body nobody could tell."""
    at = dice.randrange(len(parts.head))
    return _in_head(parts, parts.head[:at] + bytes([parts.head[at] ^ (1 << dice.randrange(8))]) + parts.head[at + 1 :])


def _insert(dice: random.Random, parts: Parts) -> bytes:
    at = dice.randrange(len(parts.head))
    strange = dice.choice([b"\x00", b"\r", b"\n", b"\r\n\r\n", b"\xff", b":", b" "])
    return _in_head(parts, parts.head[:at] + strange + parts.head[at:])


DAMAGES: dict[str, Callable[[random.Random, Parts], bytes]] = {
    "cut": lambda dice, p: p.raw()[: dice.randrange(len(p.raw()))],
    "flip": _flip,
    "insert": _insert,
    "garbage": lambda dice, _: dice.randbytes(dice.randint(1, 200)),
    "twice": lambda _, p: p.raw() + p.raw(),
    "noise after": lambda dice, p: p.raw() + dice.randbytes(20),
    "another length": lambda _, p: _in_head(p, p.head + b"\r\ncontent-length: 3"),
    "flood": lambda _, p: _in_head(p, p.head + b"\r\nx-f: " + b"y" * 90_000),
    "flood of lines": lambda _, p: _in_head(p, p.head + b"\r\nx-f: y" * 20_000),
    "no end of head": lambda _, p: p.before + p.head + b"\r\n",
    "longer": lambda _, p: _in_head(p, p.head.replace(b"content-length: ", b"content-length: 1")),
    "bad chunk": lambda dice, p: replace(p, framed=dice.choice([b"g", b"-", b"f" * 18, b"\n"]) + p.framed).raw(),
}
IN_CHUNKS, IN_LENGTHS = ["bad chunk"], ["longer"]
EVERYWHERE = [name for name in DAMAGES if name not in {*IN_CHUNKS, *IN_LENGTHS}]
FRAMED_OTHERWISE = {"flip", "insert"}
"""A byte in the head may change what the body is, as in a length of 10 that becomes 11, or nothing that matters."""
TOO_MUCH = {"twice", "noise after"}
"""Sent in one piece: what comes later, no client can tell from the reply to its next request."""
STILL_WHOLE = {"none", *TOO_MUCH, *FRAMED_OTHERWISE}


class Campaign:
    """Each request carries a number; the engine answers it with the reply that the seed has for that number."""

    def __init__(self, requests: int, seed: int) -> None:
        self.requests = requests
        self.seed = seed
        self.outcome = Outcome(requests=requests)

    def reply(self, number: int) -> Reply:
        return make(random.Random(f"{self.seed}/{number}"))

    async def serve(self, wire: Wire) -> None:
        while True:
            _, body = await wire.request()
            reply = self.reply(int(body))
            step = max(1, len(reply.raw) // reply.pieces + 1)
            await wire.send(*(reply.raw[at : at + step] for at in range(0, len(reply.raw), step)))
            if reply.end == "reset":
                wire.reset()
                return
            if reply.end == "close":
                return
            if reply.end == "half_close":
                wire.half_close()
                await wire.gone()
                return
            if reply.end == "silent":
                await wire.gone()
                return

    async def ask(self, transport: Transport, number: int) -> None:
        """One request; what comes of it is judged."""
        began = time.monotonic()
        reply = self.reply(number)
        try:
            answer = await transport.post("/v1/x", b"%d" % number)
            body = await whole(answer)
        except EngineUnavailable as error:
            self.outcome.errors[type(error).__name__] += 1
            if reply.damage == "none" and reply.end == "keep":
                self.wrong(number, f"{type(error).__name__} for a right reply")
        else:
            self.outcome.whole += 1
            if reply.damage not in STILL_WHOLE:
                self.wrong(number, f"taken for whole after '{reply.damage}'")
            elif reply.damage not in FRAMED_OTHERWISE and body != reply.body:
                self.wrong(number, f"{len(body)} bytes of {len(reply.body)}")
        if time.monotonic() - began > SLOWEST_S:
            self.wrong(number, "took too long")

    def wrong(self, number: int, what: str) -> None:
        self.outcome.wrong.append(f"request {number} of seed {self.seed}: {what}")

    async def run(self) -> Outcome:
        engine = ScriptedEngine()
        began = time.monotonic()
        async with scripted(self.serve, engine=engine):
            transport = Transport(engine.url, LIMITS)
            numbers = iter(range(self.requests))
            half_mib = 0.0

            async def worker() -> None:
                nonlocal half_mib
                for number in numbers:
                    await self.ask(transport, number)
                    if number == self.requests // 2:
                        half_mib = peak_mib()

            await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
            self.outcome.grown_mib = peak_mib() - half_mib
            await asyncio.sleep(LIMITS.idle_s + 1.0)
            self.outcome.left = len(transport.pool)
            transport.close()
        self.outcome.connections = engine.connections
        self.outcome.seconds = time.monotonic() - began
        return self.outcome


def peak_mib() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def lines(outcome: Outcome, seed: int) -> list[str]:
    """What happened, for people."""
    errors = ", ".join(f"{count} {name}" for name, count in sorted(outcome.errors.items()))
    return [
        f"seed {seed}: {outcome.requests} requests in {outcome.seconds:.1f} s over {outcome.connections} connections",
        f"whole {outcome.whole}; {errors}",
        f"wrong {len(outcome.wrong)}; connections left {outcome.left}; memory +{outcome.grown_mib:.1f} MiB",
        *outcome.wrong[:20],
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    outcome = uvloop.run(Campaign(given.requests, given.seed).run())
    print("\n".join(lines(outcome, given.seed)))
    return 1 if outcome.wrong or outcome.left else 0


if __name__ == "__main__":
    sys.exit(main())
