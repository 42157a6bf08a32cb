"""Spans reach a collector, belong together, and tell no secret; without a collector nothing is loaded."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from appliance.app import build_app, build_parts
from appliance.migrations import migrate
from appliance.settings import Settings, TracesSection
from tests.fakes.engine import FakeEngine
from tests.support.gateway import ADMIN, CHAT_MODEL, PASSWORD, QUICK_HASH, settings_for
from tests.support.planted import Planted, ask_everywhere, send

CANARY = "CNRY-trace-18b2"
ABOVE = "4bf92f3577b34da6a3ce929d0e0e4736"


def _facts(attributes: Iterable[Any]) -> dict[str, str]:
    return {a.key: str(a.value.string_value or a.value.int_value) for a in attributes}


class Collector:
    """Keeps what comes by OTLP over HTTP."""

    def __init__(self) -> None:
        self.raw = b""
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.raw += await request.read()
        return web.Response(content_type="application/x-protobuf")

    def spans(self) -> list[tuple[str, str, dict[str, str]]]:
        """Name, trace and facts of each span."""
        found = ExportTraceServiceRequest.FromString(self.raw)
        return [
            (
                span.name,
                span.trace_id.hex(),
                _facts(span.attributes),
            )
            for resource in found.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@asynccontextmanager
async def talking(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The operator's client of a gateway without documents: a process has one store of jobs, that of the run's own."""
    parts = build_parts(settings, hash_cost=QUICK_HASH)
    await migrate(parts.database)
    await parts.people.create(email=ADMIN, name="Administrator", password=PASSWORD, roles=("administrator",))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.database.close)
        for part in (parts.access, parts.engines, parts.usage):
            await part.start()
            stack.push_async_callback(part.stop)
        await parts.engines.wait_ready(CHAT_MODEL, 60)
        transport = httpx.ASGITransport(app=build_app(parts))  # type: ignore[arg-type] # the framework's own types
        headers = {"authorization": f"Bearer {parts.access.operator_token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
            yield client
        assert parts.tracing is not None
        await asyncio.to_thread(parts.tracing.stop)


@asynccontextmanager
async def traced(folder: Path, engine: FakeEngine, collector: Collector) -> AsyncIterator[httpx.AsyncClient]:
    """The operator's client of a gateway whose spans the collector has when the block is over."""
    application = web.Application()
    application.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = msgspec.structs.replace(
        settings_for(folder, engine.url, engine.url),
        traces=TracesSection(endpoint=f"http://127.0.0.1:{runner.addresses[0][1]}"),
    )
    try:
        async with talking(settings) as operator:
            yield operator
    finally:
        await runner.cleanup()


async def test_a_request_is_a_tree_of_spans(tmp_path: Path, engine: FakeEngine) -> None:
    collector = Collector()
    async with traced(tmp_path, engine, collector) as operator:
        question = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": f"Say {CANARY}."}]}
        headers = {"traceparent": f"00-{ABOVE}-00f067aa0ba902b7-01", "x-request-id": "r-trace"}
        assert (await operator.post("/v1/chat/completions", json=question, headers=headers)).status_code == 200
    ours = {name: facts for name, trace, facts in collector.spans() if trace == ABOVE}
    assert ours["request"]["request.id"] == "r-trace"
    assert ours["request"]["http.route"] == "/v1/chat/completions"
    assert ours["request"]["http.response.status_code"] == "200"
    assert ours[f"engine {CHAT_MODEL}"]["completion_tokens"] == ours["request"]["completion_tokens"] != "0"
    assert CANARY.encode() not in collector.raw
    assert b"pmo_" not in collector.raw


async def test_a_secret_comes_out_in_no_span(tmp_path: Path, engine: FakeEngine) -> None:
    """LOG-01 for traces: flows that end well, that are refused, and that break; and headers of every kind."""
    collector, planted = Collector(), Planted()
    async with traced(tmp_path, engine, collector) as operator:
        await ask_everywhere(planted, operator)
        engine.break_after = 2
        await ask_everywhere(planted, operator)
        engine.break_after = None
        for _ in range(10):
            word = planted.word
            headers = {"authorization": f"Bearer {planted.key()}"}
            more = {
                "cookie": f"a={word()}",
                "tracestate": f"v={word()}",
                "baggage": f"user={word()}",
                "user-agent": word(),
                "referer": word(),
            }
            await send(planted, operator, "GET", f"/v1/models/{word()}?key={word()}", headers=headers)
            await send(planted, operator, "GET", f"/v1/models/{word()}?key={word()}", headers=more)
            body = {"email": f"{word()}@x.test", "password": word("password")}
            await send(planted, operator, "POST", "/auth/login", json=body)
    spans = collector.spans()
    assert len(planted.all) >= 100
    assert len(spans) > 100
    assert any(facts.get("error.code") for _, _, facts in spans), "also what was refused"
    assert not planted.seen_in(collector.raw.decode("utf-8", errors="replace"))
    print(f"\nLOG-01, traces: {len(planted.all)} secrets, {len(spans)} spans, {len(collector.raw)} bytes")


def test_without_a_collector_nothing_is_loaded() -> None:
    code = "import sys, appliance.app; print([m for m in sys.modules if m.startswith('opentelemetry.sdk')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
