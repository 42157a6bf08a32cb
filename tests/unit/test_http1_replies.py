"""The bytes of a reply, however they are cut: the same result, or an error, never less than was sent."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.inference.errors import EngineUnavailable
from appliance.inference.http1 import BrokeOff, Exchange, NoReply
from tests.fakes.scripted import STREAM_HEAD, chunk


@dataclass
class FakeLine:
    """A connection without a socket."""

    loop: asyncio.AbstractEventLoop
    quiet: int = 0
    paused: bool = False
    silent: bool = False
    reusable: bool | None = None
    """None until the exchange let it go."""

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def say_no_more(self) -> None:
        self.silent = True

    def done(self, *, reusable: bool) -> None:
        assert self.reusable is None, "let go twice"
        self.reusable = reusable


@dataclass(frozen=True)
class Outcome:
    status: int
    kind: str
    body: bytes
    reusable: bool | None


LOOP = asyncio.new_event_loop()


@pytest.fixture(scope="module", autouse=True)
def close_loop() -> Iterator[None]:
    yield
    LOOP.close()


def outcome(pieces: Sequence[bytes], *, ends: bool = True) -> Outcome:
    """What a caller gets when these come, and then the engine closes. Raises what the caller would see."""
    line = FakeLine(LOOP)
    exchange = Exchange(line)
    for piece in pieces:
        exchange.feed(piece)
    if ends:
        exchange.end_of_stream()
    return LOOP.run_until_complete(_collect(exchange, line))


async def _collect(exchange: Exchange, line: FakeLine) -> Outcome:
    await exchange.begin()
    body = b""
    while data := await exchange.read():
        body += data
    return Outcome(exchange.status, exchange.content_type, body, line.reusable)


EVENTS = b'data: {"a":1}\n\n', b"data: [DONE]\n\n"
STREAM = STREAM_HEAD + b"".join(chunk(e) for e in EVENTS) + b"0\r\n\r\n"
JSON = "application/json"
WHOLE: dict[str, tuple[bytes, Outcome]] = {
    "length": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 7\r\n\r\n[1,2,3]",
        Outcome(200, JSON, b"[1,2,3]", True),
    ),
    "nothing": (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Outcome(200, "", b"", True)),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", Outcome(204, "", b"", True)),
    "chunked": (STREAM, Outcome(200, "text/event-stream", b"".join(EVENTS), True)),
    "extensions and trailers": (
        STREAM_HEAD + b'3;a=b;c="d e"\r\nabc\r\n00A\r\n0123456789\r\n0;last\r\nx-sum: 1\r\ncontent-type: no\r\n\r\n',
        Outcome(200, "text/event-stream", b"abc0123456789", True),
    ),
    "refused": (
        b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        Outcome(413, "", b"{}", False),
    ),
    "interim": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\ncontent-type: a/b\r\nlink: x\r\n\r\n" + STREAM,
        Outcome(200, "text/event-stream", b"".join(EVENTS), True),
    ),
    "old": (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}", Outcome(200, "", b"{}", False)),
    "old, kept": (
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}",
        Outcome(200, "", b"{}", True),
    ),
    "no reason phrase": (b"HTTP/1.1 500\r\ncontent-length: 1\r\n\r\nx", Outcome(500, "", b"x", True)),
}
UNTIL_CLOSE = {
    "old": (b"HTTP/1.0 200 OK\r\n\r\n", b"some body"),
    "told": (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\n", b"some body"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_reply_is_the_same_wherever_it_is_cut(name: str) -> None:
    raw, wanted = WHOLE[name]
    assert outcome([raw]) == wanted
    assert outcome([raw], ends=False) == wanted
    assert outcome([raw[at : at + 1] for at in range(len(raw))]) == wanted
    for cut in range(len(raw) + 1):
        assert outcome([raw[:cut], raw[cut:]], ends=False) == wanted, cut


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.lists(st.integers(1, 200), max_size=12))
def test_a_reply_is_the_same_in_any_pieces(name: str, cuts: list[int]) -> None:
    raw, wanted = WHOLE[name]
    edges = sorted({0, len(raw), *(c for c in cuts if c < len(raw))})
    assert outcome([raw[a:b] for a, b in itertools.pairwise(edges)]) == wanted


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20), st.integers(1, 100))
def test_any_chunks_come_out_as_they_went_in(chunks: list[bytes], step: int) -> None:
    raw = STREAM_HEAD + b"".join(map(chunk, chunks)) + b"0\r\n\r\n"
    got = outcome([raw[at : at + step] for at in range(0, len(raw), step)])
    assert got == Outcome(200, "text/event-stream", b"".join(chunks), True)


@pytest.mark.parametrize("name", WHOLE)
def test_a_reply_that_is_cut_short_is_an_error_at_every_byte(name: str) -> None:
    raw, _ = WHOLE[name]
    for end in range(1, len(raw)):
        with pytest.raises(BrokeOff):
            outcome([raw[:end]])
    with pytest.raises(NoReply):
        outcome([])


@pytest.mark.parametrize("name", UNTIL_CLOSE)
def test_a_reply_without_a_length_ends_with_the_connection(name: str) -> None:
    head, body = UNTIL_CLOSE[name]
    assert outcome([head, body]) == Outcome(200, "", body, False)
    for end in range(1, len(head)):
        with pytest.raises(BrokeOff):
            outcome([head[:end]])
    line = FakeLine(LOOP)
    exchange = Exchange(line)
    exchange.feed(head + body)
    exchange.lost(ConnectionResetError())
    with pytest.raises(BrokeOff):
        LOOP.run_until_complete(_collect(exchange, line))


def test_what_came_before_the_break_can_be_read_first() -> None:
    exchange = Exchange(FakeLine(LOOP))
    exchange.feed(STREAM_HEAD + chunk(b"first"))
    exchange.lost(ConnectionResetError())
    assert LOOP.run_until_complete(exchange.read()) == b"first"
    for _ in range(2):
        with pytest.raises(BrokeOff):
            LOOP.run_until_complete(exchange.read())


GARBAGE = [
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01",
    b"ICY 200 OK\r\n\r\n",
    b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/0.9 200 OK\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 600 OK\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nno length, and no word that the connection ends",
    b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\na: b\r\n folded\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\na: \x00\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\n{}",
    STREAM_HEAD + b"zz\r\n",
    STREAM_HEAD + b"3\r\nabcd\r\n0\r\n\r\n",
    STREAM_HEAD + b"-3\r\nabc\r\n0\r\n\r\n",
    STREAM_HEAD + b"3 \r\nabc\r\n0\r\n\r\n",
    STREAM_HEAD + b"ffffffffffffffffff\r\n",
    STREAM_HEAD + b"3\nabc\n0\n\n",
]


@pytest.mark.parametrize("raw", GARBAGE)
def test_what_is_no_reply_is_an_error_and_ends_the_connection(raw: bytes) -> None:
    for pieces in ([raw], [raw[at : at + 1] for at in range(len(raw))]):
        line = FakeLine(LOOP)
        exchange = Exchange(line)
        for piece in pieces:
            exchange.feed(piece)
        exchange.end_of_stream()
        with pytest.raises(BrokeOff):
            LOOP.run_until_complete(_collect(exchange, line))
        assert line.reusable is False


@pytest.mark.parametrize("after", [b"H", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"\x00", b"data: more\n\n"])
def test_a_connection_with_something_after_the_reply_is_not_used_again(after: bytes) -> None:
    for name in ("length", "chunked", "nothing", "no content"):
        raw, wanted = WHOLE[name]
        assert outcome([raw + after]) == Outcome(wanted.status, wanted.kind, wanted.body, False)


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 200 OK\r\na: " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 12_000,
        b"HTTP/1.1 200 " + b"x" * 70_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000,
        STREAM_HEAD + b"3;" + b"x" * 70_000,
        STREAM_HEAD + b"3\r\nabc\r\n0\r\n" + b"a: b\r\n" * 12_000,
        b"\r\n" * 40_000,
    ],
)
def test_there_is_a_bound_on_what_surrounds_a_body(flood: bytes) -> None:
    line = FakeLine(LOOP)
    exchange = Exchange(line)
    for at in range(0, len(flood), 1000):
        exchange.feed(flood[at : at + 1000])
    assert line.reusable is False
    with pytest.raises(BrokeOff):
        LOOP.run_until_complete(_collect(exchange, line))


def test_who_does_not_read_makes_the_engine_wait() -> None:
    line = FakeLine(LOOP)
    exchange = Exchange(line)
    exchange.feed(STREAM_HEAD)
    sent = 0
    while not line.paused and sent < 10_000_000:
        exchange.feed(chunk(b"x" * 10_000))
        sent += 10_000
    assert 250_000 < sent < 300_000
    assert len(LOOP.run_until_complete(exchange.read())) == sent
    assert not line.paused


@settings(max_examples=500, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=4))
def test_any_bytes_are_a_reply_or_an_error(pieces: list[bytes]) -> None:
    with pytest.raises(EngineUnavailable):
        outcome(pieces)


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.integers(0, 300), st.binary(max_size=3), st.integers(0, 3))
@example("length", 60, b"", 1)
def test_a_damaged_reply_raises_nothing_else(name: str, at: int, put: bytes, cut: int) -> None:
    raw, _ = WHOLE[name]
    try:
        got = outcome([raw[:at] + put + raw[at + cut :]])
    except EngineUnavailable:
        return
    assert 200 <= got.status < 600
