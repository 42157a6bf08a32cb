"""What our HTTP client sends, and what it refuses to send."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.inference.http1 import (
    Address,
    Transport,
    UnsafeRequest,
    UnusableAddress,
)
from appliance.inference.http1.request import RequestWriter
from appliance.inference.transport import check_base_url
from tests.fakes.scripted import OK, ScriptedEngine, answering, ask, scripted, whole
from tests.support.loops import LOOPS, Run, runner_of


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    return runner_of(request.param)


def test_what_is_sent_is_exactly_this(run: Run) -> None:
    async def scenario() -> None:
        engine = ScriptedEngine()
        async with scripted(answering(engine, OK), engine=engine):
            transport = Transport(engine.url + "/team/")
            await ask(transport, "/v1/chat?a=b", b'{"x":1}')
            kind = (b"Content-Type", b"multipart/form-data; boundary=x")
            await whole(await transport.post("/v1/audio", b"abc", [(b"x-request-id", b"r1"), kind]))
            await whole(await transport.get("/health"))
            transport.close()
        host = b"host: 127.0.0.1:%d\r\n" % engine.port
        assert [head + body for head, body in engine.requests] == [
            b"POST /team/v1/chat?a=b HTTP/1.1\r\n%bcontent-type: application/json\r\n" % host
            + b'content-length: 7\r\n\r\n{"x":1}',
            b"POST /team/v1/audio HTTP/1.1\r\n%bx-request-id: r1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            % host
            + b"content-length: 3\r\n\r\nabc",
            b"GET /team/health HTTP/1.1\r\n%b\r\n" % host,
        ]
        assert engine.connections == 1

    run(scenario())


WRITER = RequestWriter(Address("engine", 8000))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30), st.binary(max_size=30), st.binary(max_size=30))
def test_no_path_and_no_header_can_make_two_requests_of_one(path: str, name: bytes, value: bytes) -> None:
    for given_path, header in [("/" + path, (b"a", b"b")), ("/", (name, b"b")), ("/", (b"a", value))]:
        try:
            head = WRITER.post(given_path, 2, [header])
        except UnsafeRequest:
            continue
        lines = head.split(b"\r\n")
        assert lines[0] == b"POST %b HTTP/1.1" % given_path.encode()
        assert lines[0].count(b" ") == 2
        assert lines[1] == b"host: engine:8000"
        assert lines[-3:] == [b"content-length: 2", b"", b""]
        names = [line.partition(b":")[0].lower() for line in lines[1:-2]]
        assert len(set(names)) == len(names) == len({b"host", b"content-type", b"content-length", header[0].lower()})
        assert not re.search(rb"[\r\n\x00]", b"".join(lines))


@pytest.mark.parametrize("path", ["", "v1", "/a b", "/a\r\nb", "/a\nb", "/ü", "/a#b", "/\x00", "http://x/", "/\x7f"])
def test_such_paths_are_refused(path: str) -> None:
    with pytest.raises(UnsafeRequest):
        WRITER.get(path)


@pytest.mark.parametrize(
    "name", ["host", "Content-Length", "transfer-encoding", "Connection", "expect", "te", "upgrade"]
)
def test_headers_that_frame_or_direct_are_refused(name: str) -> None:
    with pytest.raises(UnsafeRequest):
        WRITER.get("/", [(name.encode(), b"x")])


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://127.0.0.1:8000", Address("127.0.0.1", 8000)),
        ("http://engine", Address("engine", 80)),
        ("http://[::1]:9000/", Address("::1", 9000)),
        ("http://pool.local:81/a/b/", Address("pool.local", 81, "/a/b")),
        ("http://u:p%40w@h:1", Address("h", 1, "", b"Basic dTpwQHc=")),
    ],
)
def test_addresses_are_read(url: str, wanted: Address) -> None:
    assert Address.parse(url) == wanted


@pytest.mark.parametrize(
    "url",
    (
        *("", "engine:8000", "https://h", "http://", "http://h:99999", "http://h:x", "http://h/?a", "http://h/#a"),
        *("http://h/a b", "http://h h/", "http://[::1", "http://" + "a" * 70 + ".x", "unix:///x"),
    ),
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(UnusableAddress):
        Address.parse(url)


def test_ipv6_and_names(run: Run) -> None:
    async def scenario() -> None:
        engine = ScriptedEngine()
        for address, name in (("::1", "[::1]"), ("127.0.0.1", "localhost")):
            async with scripted(answering(engine, OK), host=address, engine=engine):
                transport = Transport(f"http://{name}:{engine.port}")
                assert await ask(transport) == (200, b"{}")
                transport.close()
            assert b"host: %b:%d\r\n" % (name.encode(), engine.port) in engine.requests[-1][0]

    run(scenario())


@pytest.mark.parametrize("url", ["http://engine:8000/v1", "https://engine/v1/", "http://u:p@[::1]:1/team/v1"])
def test_these_base_urls_can_be_configured(url: str) -> None:
    check_base_url(url)


@pytest.mark.parametrize("url", ["engine:8000/v1", "ftp://engine/v1", "https:///v1", "http://engine:port/v1"])
def test_a_base_url_that_leads_nowhere_is_refused_before_anything_starts(url: str) -> None:
    with pytest.raises(UnusableAddress):
        check_base_url(url)
