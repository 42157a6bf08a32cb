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


async def test_a_request_is_a_tree_of_spans(tmp_path: Path, engine: FakeEngine) -> None:
    collector = Collector()
    application = web.Application()
    application.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = msgspec.structs.replace(
        settings_for(tmp_path, engine.url, engine.url),
        traces=TracesSection(endpoint=f"http://127.0.0.1:{runner.addresses[0][1]}"),
    )
    try:
        async with talking(settings) as operator:
            question = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": f"Say {CANARY}."}]}
            headers = {"traceparent": f"00-{ABOVE}-00f067aa0ba902b7-01", "x-request-id": "r-trace"}
            assert (await operator.post("/v1/chat/completions", json=question, headers=headers)).status_code == 200
    finally:
        await runner.cleanup()
    ours = {name: facts for name, trace, facts in collector.spans() if trace == ABOVE}
    assert ours["request"]["request.id"] == "r-trace"
    assert ours["request"]["http.route"] == "/v1/chat/completions"
    assert ours["request"]["http.response.status_code"] == "200"
    assert ours[f"engine {CHAT_MODEL}"]["completion_tokens"] == ours["request"]["completion_tokens"] != "0"
    assert CANARY.encode() not in collector.raw
    assert b"pmo_" not in collector.raw


def test_without_a_collector_nothing_is_loaded() -> None:
    code = "import sys, appliance.app; print([m for m in sys.modules if m.startswith('opentelemetry.sdk')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
