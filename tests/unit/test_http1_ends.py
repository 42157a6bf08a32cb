"""How an exchange of our HTTP client may end, and that nothing of it stays."""

import asyncio
import gc
from contextlib import suppress

import pytest

from appliance.inference.errors import EngineUnavailable
from appliance.inference.http1 import BrokeOff, Exchange, Limits, NoReply, NotSent, Silent, Transport
from appliance.inference.http1.connection import Connection
from tests.fakes.scripted import OK, STREAM_HEAD, ScriptedEngine, Wire, answering, ask, chunk, scripted, whole
from tests.support.loops import LOOPS, Run, runner_of, settled


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    return runner_of(request.param)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nconte", STREAM_HEAD, STREAM_HEAD + chunk(b"a"), OK[:-1]])
@pytest.mark.parametrize("how", ["close", "half_close", "reset"])
def test_an_engine_that_breaks_off_is_an_error(run: Run, sent: bytes, how: str) -> None:
    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(sent)
            await asyncio.sleep(0.02)
            if how == "reset":
                wire.reset()
            elif how == "half_close":
                wire.half_close()
                await wire.gone()

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            with pytest.raises(BrokeOff if sent else NoReply):
                await ask(transport)
            await settled(lambda: len(transport.pool) == 0)

    run(scenario())


def test_closing_a_reply_early_ends_the_engines_work_at_once(run: Run) -> None:
    async def scenario() -> None:
        gone = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(STREAM_HEAD, chunk(b"a"))
            await wire.gone()
            gone.set()

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            reply = await transport.post("/", b"")
            assert await reply.read() == b"a"
            reply.close()
            reply.close()
            await asyncio.wait_for(gone.wait(), 1)
            with pytest.raises(BrokeOff):
                await reply.read()

    run(scenario())


def test_a_reply_that_is_closed_after_its_end_leaves_the_connection(run: Run) -> None:
    async def scenario() -> None:
        engine = ScriptedEngine()
        async with scripted(answering(engine, OK), engine=engine):
            transport = Transport(engine.url)
            for _ in range(3):
                reply = await transport.post("/", b"")
                reply.close()  # unread, but here
                assert transport.pool.idle == 1
            assert engine.connections == 1
            transport.close()

    run(scenario())


def test_an_old_reply_cannot_touch_the_next_one(run: Run) -> None:
    async def scenario() -> None:
        engine = ScriptedEngine()
        async with scripted(answering(engine, OK, OK.replace(b"{}", b"[]")), engine=engine):
            transport = Transport(engine.url)
            first = await transport.post("/", b"")
            second = await transport.post("/", b"")
            first.close()
            assert (await whole(first), await whole(second)) == (b"{}", b"[]")
            assert engine.connections == 1
            transport.close()

    run(scenario())


def test_cancelled_at_any_moment_nothing_half_used_stays(run: Run) -> None:
    """Each reply names its request; a mixed-up connection would give somebody else's."""

    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            while True:
                _, body = await wire.request()
                await asyncio.sleep(0.001)
                await wire.send(STREAM_HEAD, chunk(body[:3]))
                await asyncio.sleep(0.001)
                await wire.send(chunk(body[3:]), b"0\r\n\r\n")

        async def one(transport: Transport, number: int) -> bool:
            body = b"%06d" % number
            asking = asyncio.ensure_future(ask(transport, body=body))
            if number % 3:
                await asyncio.sleep((number % 17) * 0.0004)
                asking.cancel()
            with suppress(asyncio.CancelledError):
                assert await asking == (200, body)
                return True
            return False

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            done = 0
            for start in range(0, 1200, 40):
                done += sum(await asyncio.gather(*(one(transport, start + n) for n in range(40))))
            assert 400 <= done < 1200
            await settled(lambda: len(transport.pool) == transport.pool.idle)
            await settled(lambda: len(engine.open) == len(transport.pool))
            transport.close()

    run(scenario())


def test_two_thousand_in_turn_and_a_thousand_at_once_leave_nothing(run: Run) -> None:
    async def scenario() -> None:
        engine = ScriptedEngine()

        async def script(wire: Wire) -> None:
            while True:
                await wire.request()
                wire.writer.write(OK)

        async with scripted(script, engine=engine):
            transport = Transport(engine.url, Limits(idle_s=60.0, connect_s=60.0))
            for _ in range(2000):
                reply = await transport.post("/v1/x", b"{}")
                assert await reply.read() == b"{}"
                assert await reply.read() == b""
            assert engine.connections == 1
            assert await asyncio.gather(*(ask(transport) for _ in range(1000))) == [(200, b"{}")] * 1000
            assert transport.pool.idle == 512
            await settled(lambda: len(transport.pool) == 512)
            transport.close()
            await settled(lambda: not engine.open)

    run(scenario())


async def test_the_error_says_whether_another_engine_may_be_asked() -> None:
    for error in (NotSent, NoReply, Silent, BrokeOff):
        assert issubclass(error, EngineUnavailable)
        assert error.code == EngineUnavailable.code


@pytest.mark.parametrize(
    "sent", [OK, OK[:-1], OK.replace(b"HTTP", b"HTTQ"), OK.replace(b"2\r\n", b"2\r\ncontent-length: 2\r\n")]
)
def test_nothing_is_left_to_the_garbage_collector(run: Run, sent: bytes) -> None:
    """The gateway lets it run rarely; what an exchange held must go when the caller lets go of it."""

    async def one(transport: Transport) -> None:
        with suppress(BrokeOff):
            await ask(transport)

    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(sent)

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            gc.freeze()  # what there is already is no matter of ours, and takes a second to look through
            gc.disable()
            try:
                for _ in range(20):
                    await one(transport)
                await settled(lambda: len(transport.pool) == 0)
                left = [o for o in gc.get_objects() if isinstance(o, Exchange | Connection | BrokeOff)]
                assert len(left) == 0
            finally:
                gc.enable()
                gc.unfreeze()

    run(scenario())
