"""The web server's side of a request: how answers are framed, what cannot be sent, who hears that a client left."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from appliance.commands.cycle import Bell
from appliance.commands.web import Protocol
from appliance.edge import FIXED, PRESENCE, fixed_headers

App = Callable[[Any, Any, Any], Awaitable[None]]
GET = b"GET /a%20b?c=d HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody"


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def connected(app: App) -> tuple[Protocol, Transport]:
    """A connection on which nothing was said."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, ws="none", server_header=False, proxy_headers=False)
    config.load()
    protocol, transport = Protocol(config, ServerState(), {}), Transport()
    protocol.connection_made(transport)
    return protocol, transport


async def answered(app: App, request: bytes = GET) -> Transport:
    """What a connection says to one request."""
    protocol, transport = connected(app)
    protocol.data_received(request)
    for _ in range(5):
        await asyncio.sleep(0)
    return transport


def saying(*bodies: bytes, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None) -> App:
    """An application that answers in these parts."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers or []})
        for body in bodies[:-1]:
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": bodies[-1]})

    return app


async def test_an_answer_with_a_length_is_sent_as_it_is() -> None:
    transport = await answered(saying(b"abc", b"de", headers=[(b"Content-Length", b"5"), (b"x-y", b"caf\xe9")]))
    assert transport.written == b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-y: caf\xe9\r\n\r\nabcde"
    assert not transport.closed


@pytest.mark.parametrize("https", [False, True])
async def test_the_headers_of_every_answer_are_sent_whole_and_once(*, https: bool) -> None:
    fixed = fixed_headers(https=https)
    whole = await answered(saying(b"", headers=[(b"content-length", b"0"), *fixed]))
    lines = whole.written.split(b"\r\n")[1:-2]
    assert lines == [b"content-length: 0", *(b"%b: %b" % header for header in fixed)]
    cut = await answered(saying(b"", headers=[(b"content-length", b"0"), *FIXED[1:]]))
    assert cut.written.split(b"\r\n")[1:-2] == [b"content-length: 0", *(b"%b: %b" % header for header in FIXED[1:])]


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    protocol, transport = connected(saying(b"", headers=[(b"content-length", b"0")]))
    protocol.timeout_keep_alive = 0.08  # type: ignore[assignment] # seconds, and parts of one
    for _ in range(4):
        protocol.data_received(GET)
        await asyncio.sleep(0.04)
        assert not transport.closed
    await asyncio.sleep(0.2)
    assert transport.closed


async def test_a_connection_is_not_idle_while_it_is_answered() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.12)
        await saying(b"", headers=[(b"content-length", b"0")])(scope, receive, send)

    protocol, transport = connected(app)
    protocol.timeout_keep_alive = 0.05  # type: ignore[assignment] # seconds, and parts of one
    for _ in range(2):
        protocol.data_received(GET)
        await asyncio.sleep(0.14)
        assert not transport.closed
    assert transport.written.count(b"200 OK") == 2


async def test_an_answer_without_a_length_comes_in_chunks() -> None:
    transport = await answered(saying(b"abc", b"", b"de", b""))
    assert transport.written == (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )


async def test_no_body_where_none_may_be() -> None:
    head = await answered(saying(b"abc", headers=[(b"content-length", b"3")]), GET.replace(b"GET", b"HEAD"))
    assert head.written.endswith(b"content-length: 3\r\n\r\n")
    empty = await answered(saying(b"", status=204))
    assert empty.written == b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n"])
async def test_who_wants_the_connection_closed_has_it_closed(request_line: bytes) -> None:
    transport = await answered(saying(b"", headers=[(b"content-length", b"0")]), request_line)
    assert b"connection: close\r\n" in transport.written
    assert transport.closed


async def test_an_application_may_close_the_connection() -> None:
    transport = await answered(saying(b"", headers=[(b"content-length", b"0"), (b"connection", b"Keep, CLOSE")]))
    assert transport.written.count(b"connection") == 1
    assert transport.closed


@pytest.mark.parametrize(
    "header",
    [
        (b"x-a", b"1\r\nx-b: 2"),
        (b"x-a", b"1\n"),
        (b"x-a\r\nx-b", b"1"),
        (b"x-a", b"nul\x00"),
        (b"x a", b"1"),
        (b"x-a:", b"1"),
        (b"", b"1"),
    ],
)
async def test_no_header_begins_another(header: tuple[bytes, bytes]) -> None:
    transport = await answered(saying(b"abc", headers=[header]))
    assert transport.written.startswith(b"HTTP/1.1 500 ") or transport.written == b""
    assert b"abc" not in transport.written


@pytest.mark.parametrize("bodies", [(b"abcd",), (b"ab",), (b"ab", b"cd")])
async def test_a_body_that_is_not_as_long_as_it_said_breaks_the_connection(bodies: tuple[bytes, ...]) -> None:
    transport = await answered(saying(*bodies, headers=[(b"content-length", b"3")]))
    assert transport.closed
    assert len(transport.written.partition(b"\r\n\r\n")[2]) <= 3


async def test_the_scope_says_what_was_asked() -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        seen.update(scope, body=message["body"])
        await saying(b"")(scope, receive, send)

    await answered(app, GET)
    assert (seen["method"], seen["path"], seen["raw_path"], seen["query_string"]) == ("GET", "/a b", b"/a%20b", b"c=d")
    await answered(app, POST)
    assert (seen["method"], seen["body"], seen["http_version"]) == ("POST", b"body", "1.1")


async def test_requests_on_one_connection_are_answered_in_order() -> None:
    go_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/a b":
            await go_on.wait()
        await saying(scope["raw_path"], headers=[(b"content-length", str(len(scope["raw_path"])).encode())])(
            scope, receive, send
        )

    protocol, transport = connected(app)
    protocol.data_received(GET + POST)
    for _ in range(5):
        await asyncio.sleep(0)
    assert transport.written == b""
    go_on.set()
    for _ in range(9):
        await asyncio.sleep(0)
    assert transport.written.index(b"/a%20b") < transport.written.index(b"/p")


@pytest.mark.parametrize("requests", [GET, GET + POST])
async def test_a_client_that_leaves_is_told_to_whoever_answers(requests: bytes) -> None:
    told: list[str] = []

    async def app(scope: Any, receive: Any, _send: Any) -> None:
        presence = scope["state"][PRESENCE]
        presence.watch(lambda: told.append("left"))
        while (await receive())["type"] != "http.disconnect":
            pass
        presence.watch(lambda: told.append("had left"))

    protocol, _ = connected(app)
    protocol.data_received(requests)
    for _ in range(3):
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    assert told == ["left"]
    for _ in range(5):
        await asyncio.sleep(0)
    assert told == ["left", "had left"]


async def test_nobody_is_told_of_a_client_that_leaves_after_its_answer() -> None:
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await saying(b"")(scope, receive, send)
        scope["state"][PRESENCE].watch(lambda: told.append("left"))

    protocol, _ = connected(app)
    protocol.data_received(GET)
    for _ in range(5):
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    assert told == []


async def test_a_bell_wakes_all_who_wait_and_can_be_rung_again() -> None:
    bell = Bell()
    waiting = [asyncio.ensure_future(bell.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    bell.set()
    await asyncio.gather(*waiting)
    await bell.wait()
    bell.clear()
    again = asyncio.ensure_future(bell.wait())
    await asyncio.sleep(0)
    assert not again.done()
    bell.set()
    await again


async def test_a_connection_that_was_just_taken_is_answered_when_the_server_ends() -> None:
    """Whoever opened it has not been heard yet."""
    protocol, transport = connected(saying(b"late"))
    protocol.shutdown()
    assert not transport.closed
    protocol.data_received(GET)
    for _ in range(5):
        await asyncio.sleep(0)
    assert b"late" in transport.written
    assert b"connection: close\r\n" in transport.written
    assert transport.closed


async def test_a_connection_between_two_requests_is_closed_when_the_server_ends() -> None:
    protocol, transport = connected(saying(b"done"))
    protocol.data_received(GET)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not transport.closed
    protocol.shutdown()
    assert transport.closed


async def test_who_says_nothing_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.commands.web.LAST_WORD_S", 0.01)
    protocol, transport = connected(saying(b"never"))
    protocol.shutdown()
    await asyncio.sleep(0.05)
    assert transport.closed
