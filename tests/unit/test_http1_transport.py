"""Our HTTP client over real sockets, on both event loops: connections, time and back-pressure."""

import asyncio
import os
import socket
import time

import pytest

from appliance.inference.http1 import (
    BrokeOff,
    Limits,
    NoReply,
    NotSent,
    Silent,
    Transport,
)
from tests.fakes.scripted import OK, STREAM_HEAD, ScriptedEngine, Wire, answering, ask, chunk, scripted, whole
from tests.support.loops import LOOPS, Run, runner_of, settled

QUICK = Limits(connect_s=0.4, silence_s=0.5, idle_s=0.5)


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    return runner_of(request.param)


def test_one_connection_carries_one_request_after_another_without_delay(run: Run) -> None:
    async def scenario() -> None:
        engine = ScriptedEngine()
        async with scripted(answering(engine, OK), engine=engine):
            transport = Transport(engine.url)
            for _ in range(20):
                assert await ask(transport) == (200, b"{}")
            connection = transport.pool.take()
            assert connection is not None
            assert connection._transport is not None
            raw = connection._transport.get_extra_info("socket")
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            transport.close()
        assert engine.connections == 1

    run(scenario())


def test_a_connection_that_ends_with_its_reply_is_not_used_again(run: Run) -> None:
    closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"
    old = b"HTTP/1.0 200 OK\r\n\r\n{}"

    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(closing if wire.number % 2 else old)

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            for _ in range(6):
                assert await ask(transport) == (200, b"{}")
            assert engine.connections == 6
            await settled(lambda: len(transport.pool) == 0)

    run(scenario())


def test_connections_that_wait_are_bounded_in_number_and_age(run: Run) -> None:
    async def scenario() -> None:
        engine = ScriptedEngine()
        async with scripted(answering(engine, OK), engine=engine):
            transport = Transport(engine.url, Limits(idle_connections=3, idle_s=0.3))
            await asyncio.gather(*(ask(transport) for _ in range(10)))
            assert transport.pool.idle == 3
            await settled(lambda: len(transport.pool) == 3)
            await settled(lambda: len(transport.pool) == 0, 0.6)

    run(scenario())


def test_a_connection_that_the_engine_closes_is_dropped(run: Run) -> None:
    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(OK)
            await asyncio.sleep(0.05)

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            await asyncio.gather(*(ask(transport) for _ in range(10)))
            assert transport.pool.idle == 10
            await settled(lambda: len(transport.pool) == 0)
            assert transport.pool.idle == 0

    run(scenario())


def test_a_connection_that_was_closed_while_it_waited_is_replaced_once(run: Run) -> None:
    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(OK)
            await wire.request()  # the second request on this connection meets its end
            wire.reset()

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            for _ in range(5):
                assert await ask(transport) == (200, b"{}")
            assert engine.connections == 5
            transport.close()

    run(scenario())


def test_a_fresh_connection_without_reply_is_not_tried_again(run: Run) -> None:
    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            await wire.request()

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            with pytest.raises(NoReply):
                await ask(transport)
            assert engine.connections == 1

    run(scenario())


def test_a_request_is_not_sent_again_after_a_byte_of_reply_or_a_while(run: Run) -> None:
    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(OK)
            _, body = await wire.request()
            if body == b"late":
                await asyncio.sleep(1.2)
            else:
                await wire.send(b"H")

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            for body, error in ((b"byte", BrokeOff), (b"late", NoReply)):
                before = engine.connections
                await ask(transport)
                with pytest.raises(error):
                    await ask(transport, body=body)
                assert engine.connections == before + 1

    run(scenario())


def test_bytes_that_nobody_asked_for_end_the_connection(run: Run) -> None:
    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(OK)
            await asyncio.sleep(0.05)
            await wire.send(OK.replace(b"{}", b"no"))
            await wire.gone()

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            assert await ask(transport) == (200, b"{}")
            await asyncio.sleep(0.1)
            assert await ask(transport) == (200, b"{}")
            assert engine.connections == 2
            transport.close()

    run(scenario())


def test_no_engine_no_connection(run: Run) -> None:
    async def scenario() -> None:
        with socket.socket() as taken:  # bound, but nobody listens
            taken.bind(("127.0.0.1", 0))
            with pytest.raises(NotSent):
                await Transport(f"http://127.0.0.1:{taken.getsockname()[1]}").get("/")
        with pytest.raises(NotSent):
            await Transport("http://no-such-name.invalid:1").get("/")

    run(scenario())


def test_connecting_has_a_bound(run: Run) -> None:
    async def scenario() -> None:
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            fill = [socket.socket() for _ in range(4)]  # the queue of those who want in is full
            for one in fill:
                one.setblocking(False)
                one.connect_ex(deaf.getsockname())
            transport = Transport(f"http://127.0.0.1:{deaf.getsockname()[1]}", QUICK)
            began = asyncio.get_running_loop().time()
            with pytest.raises(NotSent):
                await transport.get("/")
            assert asyncio.get_running_loop().time() - began < 2
            assert len(transport.pool) == 0
            for one in fill:
                one.close()

    run(scenario())


def test_closing_the_transport_ends_what_is_under_way(run: Run) -> None:
    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(STREAM_HEAD)
            await wire.gone()

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            reply = await transport.post("/", b"")
            waiting = asyncio.ensure_future(reply.read())
            await asyncio.sleep(0.02)
            transport.close()
            with pytest.raises(BrokeOff):
                await waiting
            with pytest.raises(NotSent):
                await transport.get("/")
            assert len(transport.pool) == 0

    run(scenario())


# -- time


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 2", STREAM_HEAD, STREAM_HEAD + chunk(b"a") + b"5"])
def test_an_engine_that_falls_silent_is_given_up(run: Run, sent: bytes) -> None:
    async def scenario() -> None:
        gone = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(sent)
            await wire.gone()
            gone.set()

        async with scripted(script) as engine:
            transport = Transport(engine.url, QUICK)
            began = asyncio.get_running_loop().time()
            with pytest.raises(Silent):
                await ask(transport)
            assert 0.49 < asyncio.get_running_loop().time() - began < 1.5
            await asyncio.wait_for(gone.wait(), 1)

    run(scenario())


def test_a_slow_engine_is_not_a_silent_one_and_a_slow_reader_not_the_engines_fault(run: Run) -> None:
    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            while True:
                await wire.request()
                await wire.send(STREAM_HEAD)
                for _ in range(5):
                    await asyncio.sleep(0.15)
                    await wire.send(chunk(b"x"))
                await wire.send(b"0\r\n\r\n")

        async with scripted(script) as engine:
            transport = Transport(engine.url, QUICK)
            assert await ask(transport) == (200, b"xxxxx")
            reply = await transport.post("/", b"")
            await asyncio.sleep(1.0)
            assert await whole(reply) == b"xxxxx"
            transport.close()

    run(scenario())


# -- back-pressure


def test_what_nobody_reads_stays_with_the_engine(run: Run) -> None:
    size, total = 64 * 1024, 64 * 1024 * 1024
    sent = 0

    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            nonlocal sent
            await wire.request()
            await wire.send(STREAM_HEAD)
            for _ in range(total // size):
                await wire.send(chunk(b"x" * size))
                sent += size
            await wire.send(b"0\r\n\r\n")

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            reply = await transport.post("/", b"")
            await asyncio.sleep(0.3)
            assert reply._unread < 2 * 1024 * 1024
            assert sent < 24 * 1024 * 1024  # in the kernel's buffers
            got = 0
            while data := await reply.read():
                assert len(data) < 2 * 1024 * 1024
                got += len(data)
            assert got == total
            transport.close()

    run(scenario())


def test_a_large_request_goes_as_fast_as_the_engine_reads(run: Run) -> None:
    body = os.urandom(32 * 1024 * 1024)

    async def scenario() -> None:
        may_read = asyncio.Event()
        taken: list[bytes] = []

        async def script(wire: Wire) -> None:
            await may_read.wait()
            taken.append((await wire.request())[1])
            await wire.send(OK)
            await wire.gone()

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            asking = asyncio.ensure_future(ask(transport, body=body))
            await asyncio.sleep(0.3)
            (connection,) = transport.pool._all
            assert connection._transport is not None
            assert connection._transport.get_write_buffer_size() < 512 * 1024
            may_read.set()
            assert await asking == (200, b"{}")
            assert taken == [body]
            assert transport.pool.idle == 1
            transport.close()

    run(scenario())


def test_a_reply_before_the_whole_request_counts_and_ends_the_connection(run: Run) -> None:
    early = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 4\r\n\r\nmuch"

    async def scenario() -> None:
        async def script(wire: Wire) -> None:
            await wire.reader.readuntil(b"\r\n\r\n")
            await wire.send(early)
            await asyncio.sleep(0.2)

        async with scripted(script) as engine:
            transport = Transport(engine.url)
            assert await ask(transport, body=bytes(32 * 1024 * 1024)) == (413, b"much")
            assert transport.pool.idle == 0
            await settled(lambda: len(transport.pool) == 0)

    run(scenario())


def test_whoever_leaves_takes_what_was_on_its_way(run: Run) -> None:
    """The engine sends two more pieces after it has seen that nobody writes to it any more."""

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(STREAM_HEAD, chunk(b"one "))
        await wire.gone()
        await wire.send(chunk(b"two "), chunk(b"three"))

    async def check() -> None:
        async with scripted(script) as engine:
            transport = Transport(engine.url)
            reply = await transport.post("/v1/x", b"{}")
            assert await reply.read() == b"one "
            assert await reply.leave(5.0) == b"two three"
            assert await reply.leave(5.0) == b""
            assert transport.pool.take() is None
            transport.close()

    run(check())


def test_an_engine_that_does_not_notice_is_cut_off(run: Run) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(STREAM_HEAD)
        while True:
            await wire.send(chunk(b"more "))
            await asyncio.sleep(0.01)

    async def check() -> None:
        async with scripted(script) as engine:
            transport = Transport(engine.url)
            reply = await transport.post("/v1/x", b"{}")
            began = time.monotonic()
            assert b"more" in await reply.leave(0.2)
            assert time.monotonic() - began < 2
            transport.close()

    run(check())
