"""Slots, lines, first bytes and the watchdog, over replicas that do what they are told."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from appliance.foundation import Lane
from appliance.inference import EnginesBusy, EngineUnavailable, NoWatcher, ReplicaUnknown
from appliance.inference.pool import ModelPool, PoolRules, RoutedReply, WatchRules, with_model
from appliance.inference.port import Forward
from tests.fakes.backend import ScriptedBackend, ScriptedReply
from tests.support.clocks import HANGS_S

CHAT = "/v1/chat/completions"
QUICK = WatchRules(interval_s=0.1, deadline_s=0.2)


class Notes(NoWatcher):
    """What a watcher is told."""

    def __init__(self) -> None:
        self.retries: list[tuple[str, str]] = []
        self.healths: list[tuple[str, bool]] = []
        self.waits: list[float] = []

    def entered(self, model_id: str, lane: Lane, waited_s: float) -> None:
        self.waits.append(waited_s)

    def retried(self, model_id: str, replica: str, cause: str) -> None:
        self.retries.append((replica, cause))

    def health(self, model_id: str, replica: str, *, takes: bool, reason: str) -> None:
        self.healths.append((replica, takes))


def pool(*backends: ScriptedBackend, watcher: NoWatcher | None = None, **rules: float) -> ModelPool:
    return ModelPool("m", backends, PoolRules(**rules), QUICK, watcher or NoWatcher())  # type: ignore[arg-type]


@asynccontextmanager
async def watched(made: ModelPool) -> AsyncIterator[ModelPool]:
    made.start()
    try:
        yield made
    finally:
        await made.stop()


def ask(lane: Lane = "interactive", tokens: int = 10, affinity: bytes = b"") -> Forward:
    return Forward("m", CHAT, b'{"model":"m"}', lane, tokens, affinity)


async def body(reply: RoutedReply) -> bytes:
    parts = []
    while data := await reply.read():
        parts.append(data)
    reply.close()
    return b"".join(parts)


async def until_out(made: ModelPool) -> None:
    """Until no replica takes requests."""
    async with asyncio.timeout(HANGS_S):
        while made.takes():
            await asyncio.sleep(0.02)


def outstanding(made: ModelPool) -> list[tuple[int, int, int]]:
    return [(r.requests, r.batch_requests, r.tokens) for r in made.replicas()]


async def test_a_reply_passes_whole_and_its_slot_is_free_afterwards() -> None:
    made = pool(ScriptedBackend(reply=lambda: ScriptedReply([b"a", b"b", b"c"])))
    reply = await made.forward(ask())
    assert outstanding(made) == [(1, 0, 10)]
    assert (reply.status, reply.model_id, reply.replica) == (200, "m", "1")
    assert await body(reply) == b"abc"
    reply.close()
    assert outstanding(made) == [(0, 0, 0)]


async def test_requests_are_spread_by_tokens() -> None:
    one, two = ScriptedBackend("1"), ScriptedBackend("2")
    made = pool(one, two)
    held = [await made.forward(ask(tokens=tokens)) for tokens in (1000, 10, 10, 10)]
    assert outstanding(made) == [(1, 0, 1000), (3, 0, 30)]
    for reply in held:
        reply.close()
    assert all(r.closed for r in one.replies + two.replies)


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (ScriptedBackend("bad", refuses=True), "lost"),
        (ScriptedBackend("bad", reply=lambda: ScriptedReply([], status=503, content_type="text/plain")), "status"),
        (ScriptedBackend("bad", reply=lambda: ScriptedReply([], breaks=True)), "lost"),
        (ScriptedBackend("bad", reply=lambda: ScriptedReply([])), "lost"),
    ],
    ids=["no connection", "503", "breaks before its first event", "ends before its first event"],
)
async def test_what_fails_before_its_first_byte_is_answered_by_another(bad: ScriptedBackend, cause: str) -> None:
    notes = Notes()
    made = pool(bad, ScriptedBackend("good"), watcher=notes)
    for _ in range(8):
        reply = await made.forward(ask())
        assert reply.replica == "good"
        assert await body(reply) == b"data: 1\n\n"
    assert notes.retries == [("bad", cause)] * 3  # then its breaker is open
    assert outstanding(made) == [(0, 0, 0)] * 2
    assert all(r.closed for r in bad.replies)


async def test_nothing_is_sent_again_after_a_byte_was_passed_on() -> None:
    breaks = ScriptedBackend("1", reply=lambda: ScriptedReply([b"data: 1\n\n"], breaks=True))
    other = ScriptedBackend("2")
    made = pool(breaks, other)
    reply = await made.forward(ask())
    assert await reply.read() == b"data: 1\n\n"
    with pytest.raises(EngineUnavailable):
        await reply.read()
    reply.close()
    assert not other.asked
    assert outstanding(made) == [(0, 0, 0)] * 2


async def test_attempts_are_bounded_and_the_last_status_is_told() -> None:
    backends = [
        ScriptedBackend(str(n), reply=lambda: ScriptedReply([b"busy"], status=503, content_type="text/plain"))
        for n in range(5)
    ]
    made = pool(*backends)
    reply = await made.forward(ask())
    assert reply.status == 503
    assert await body(reply) == b"busy"
    assert sum(len(b.asked) for b in backends) == 3
    assert outstanding(made) == [(0, 0, 0)] * 5


async def test_an_only_replica_is_asked_twice() -> None:
    """A kept connection may have been stale."""
    gone = ScriptedBackend(refuses=True)
    with pytest.raises(EngineUnavailable):
        await pool(gone).forward(ask())
    assert len(gone.asked) == 2


async def test_who_finds_no_slot_waits_and_who_leaves_is_out_of_the_line() -> None:
    notes = Notes()
    made = pool(ScriptedBackend(), watcher=notes, max_running=1)
    first = await made.forward(ask())
    second, third = (asyncio.ensure_future(made.forward(ask())) for _ in range(2))
    await asyncio.sleep(0.02)
    assert made.waiting("interactive") == 2
    second.cancel()
    await asyncio.sleep(0)
    assert made.waiting("interactive") == 1
    first.close()
    (await third).close()
    assert outstanding(made) == [(0, 0, 0)]
    assert notes.waits[0] == 0.0
    assert notes.waits[1] >= 0.02


async def test_a_slot_that_is_granted_to_somebody_who_leaves_is_not_lost() -> None:
    made = pool(ScriptedBackend(), max_running=1)
    first = await made.forward(ask())
    second = asyncio.ensure_future(made.forward(ask()))
    await asyncio.sleep(0)
    first.close()  # grants it
    second.cancel()  # before it can run
    with pytest.raises(asyncio.CancelledError):
        await second
    assert outstanding(made) == [(0, 0, 0)]


async def test_the_line_is_bounded_in_length_and_time_and_says_when_to_come_back() -> None:
    made = pool(ScriptedBackend(), max_running=1, max_waiting=1, max_wait_s=0.3)
    held = await made.forward(ask())
    waiting = asyncio.ensure_future(made.forward(ask()))
    await asyncio.sleep(0)
    with pytest.raises(EnginesBusy) as full:
        await made.forward(ask())
    assert 1 <= full.value.retry_after_s <= 60
    with pytest.raises(EnginesBusy, match="in time"):
        await waiting
    held.close()
    assert made.waiting("interactive") == 0


async def test_people_come_before_batch_work_which_leaves_them_room() -> None:
    made = pool(ScriptedBackend(), max_running=8, batch_running=8)
    batch = [asyncio.ensure_future(made.forward(ask("batch"))) for _ in range(20)]
    await asyncio.sleep(0.01)
    assert outstanding(made)[0][:2] == (6, 6)  # two of eight stay free
    people = [await made.forward(ask()) for _ in range(2)]
    person = asyncio.ensure_future(made.forward(ask()))
    await asyncio.sleep(0.01)
    batch[0].result().close()
    (await person).close()  # before the fourteen that have waited longer
    await asyncio.sleep(0.01)
    assert outstanding(made)[0][:2] == (7, 5)
    for task in batch:
        if task.done():
            task.result().close()
    await asyncio.sleep(0.01)
    assert outstanding(made)[0][1] == 2  # a quarter of their number while somebody is about
    for reply in people:
        reply.close()
    for task in batch:
        task.cancel()
        if task.done() and not task.cancelled():
            task.result().close()
    await asyncio.sleep(0.01)
    assert outstanding(made) == [(0, 0, 0)]


async def test_a_frozen_replica_is_out_and_comes_back() -> None:
    notes = Notes()
    frozen, good = ScriptedBackend("frozen", frozen=asyncio.Event()), ScriptedBackend("good")
    async with watched(pool(frozen, good, watcher=notes)) as made:
        began = time.monotonic()
        replies = await asyncio.gather(*(made.forward(ask()) for _ in range(6)))
        assert time.monotonic() - began < 1.0
        assert {r.replica for r in replies} == {"good"}
        assert ("frozen", "frozen") in notes.retries
        assert [r.takes for r in made.replicas()] == [False, True]
        assert frozen.frozen is not None
        frozen.frozen.set()
        async with asyncio.timeout(HANGS_S):
            while not made.replicas()[0].takes:
                await asyncio.sleep(0.02)
        assert notes.healths == [("frozen", False), ("frozen", True)]
        for reply in replies:
            reply.close()


async def test_a_caller_who_leaves_while_its_replica_is_found_frozen_has_left() -> None:
    frozen = ScriptedBackend("frozen", frozen=asyncio.Event())
    async with watched(pool(frozen, ScriptedBackend("good", reply=lambda: ScriptedReply([b"x"] * 99)))) as made:
        waiting = asyncio.ensure_future(made.forward(ask()))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert outstanding(made) == [(0, 0, 0)] * 2


async def test_an_engine_that_computes_is_believed_to_be_busy() -> None:
    busy = ScriptedBackend("busy", frozen=asyncio.Event(), computing=True)
    async with watched(pool(busy, ScriptedBackend("other"))) as made:
        await asyncio.sleep(0.8)
        assert [r.takes for r in made.replicas()] == [True, True]


async def test_an_engine_that_sends_bytes_is_not_asked() -> None:
    class Streams(ScriptedBackend):
        async def work(self) -> None:
            raise AssertionError("it was asked")

    async with watched(pool(Streams(reply=lambda: ScriptedReply([b"x"] * 100)))) as made:
        reply = await made.forward(ask())
        for _ in range(20):
            await reply.read()
            await asyncio.sleep(0.02)
        reply.close()
        assert made.takes()


async def test_an_only_replica_that_is_frozen_keeps_who_waits_for_it() -> None:
    frozen = ScriptedBackend(frozen=asyncio.Event())
    async with watched(pool(frozen, absent_wait_s=0.0, silent_wait_s=0.6)) as made:
        sent = asyncio.ensure_future(made.forward(ask()))
        await until_out(made)
        began = time.monotonic()
        with pytest.raises(EngineUnavailable, match="does no work"):
            await made.forward(ask())
        assert 0.6 <= time.monotonic() - began < 2.0
        assert not sent.done()
        assert frozen.frozen is not None
        frozen.frozen.set()
        (await sent).close()


async def test_who_comes_while_the_only_replica_is_silent_waits_until_it_is_back() -> None:
    frozen = ScriptedBackend(frozen=asyncio.Event())
    async with watched(pool(frozen, absent_wait_s=0.0)) as made:
        await until_out(made)
        waiting = asyncio.ensure_future(made.forward(ask()))
        await asyncio.sleep(0.6)
        assert made.waiting("interactive") == 1
        assert frozen.frozen is not None
        frozen.frozen.set()
        async with asyncio.timeout(HANGS_S):
            (await waiting).close()


async def test_nobody_waits_long_for_a_replica_that_is_out_for_more_than_its_silence() -> None:
    frozen = ScriptedBackend(frozen=asyncio.Event())
    async with watched(pool(frozen, absent_wait_s=0.0)) as made:
        await until_out(made)
        made.drain(frozen.name, draining=True)
        async with asyncio.timeout(HANGS_S):
            with pytest.raises(EngineUnavailable, match="drained"):
                await made.forward(ask())
        made.drain(frozen.name, draining=False)
        frozen.ready = False
        async with asyncio.timeout(HANGS_S):
            with pytest.raises(EngineUnavailable, match="not ready"):
                await made.forward(ask())


async def test_a_drained_replica_ends_what_it_has_and_gets_nothing_new() -> None:
    made = pool(ScriptedBackend("1"), ScriptedBackend("2"))
    held = await made.forward(ask())
    assert made.drain("1", draining=True).requests == 1
    others = [await made.forward(ask(tokens=9999)) for _ in range(3)]
    assert {r.replica for r in others} == {"2"}
    assert await body(held) == b"data: 1\n\n"
    assert made.replicas()[0].requests == 0
    assert made.replicas()[0].detail == "drained for maintenance"
    assert made.drain("1", draining=False).takes
    assert (await made.forward(ask())).replica == "1"
    with pytest.raises(ReplicaUnknown, match="no replica '3'"):
        made.drain("3", draining=True)


async def test_only_batch_work_gets_a_priority_and_only_where_it_counts() -> None:
    orders, plain = ScriptedBackend("1", takes_priority=True), ScriptedBackend("1")
    for backend in (orders, plain):
        for lane in ("interactive", "batch"):
            (await pool(backend).forward(ask(lane))).close()
    assert orders.asked == [b'{"model":"m"}', b'{"model":"m","priority":10}']
    assert plain.asked == [b'{"model":"m"}'] * 2


def test_a_body_can_be_sent_to_another_model() -> None:
    assert with_model(b'{"model":"a","n":1.50,"messages":[{"content":"\\u00e9"}]}', "b") == (
        b'{"model":"b","n":1.50,"messages":[{"content":"\\u00e9"}]}'
    )
