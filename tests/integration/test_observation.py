"""Who may look at the metrics, that they tell what happened, and that no secret reaches the log."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from appliance.app import build_app, build_parts
from appliance.edge.requestlog import FLUSH_S
from appliance.foundation import configure_logging
from appliance.settings import MetricsSection
from tests.fakes.engine import FakeEngine
from tests.support.databases import Databases
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, QUICK_HASH, Client, Gateway, settings_for
from tests.support.metrics import value_of

CANARY = "CNRY-7d0e-secret"


async def page(gateway: Gateway) -> str:
    async with await gateway.operator() as operator:
        return (await operator.get("/metrics")).text


def question(**more: object) -> dict[str, object]:
    return {"model": CHAT_MODEL, "messages": [{"role": "user", "content": f"Say something, {CANARY}."}], **more}


async def test_metrics_are_for_administrators(running_gateway: Gateway) -> None:
    async with running_gateway.client() as stranger:
        assert (await stranger.get("/metrics")).status_code == 401
        wrong = await stranger.get("/metrics", headers={"authorization": "Bearer " + "x" * 20})
        assert wrong.status_code == 401
        assert "appliance_" not in wrong.text
    person = await running_gateway.person("metrics@example.org")
    assert (await person.get("/metrics")).status_code == 403
    await person.aclose()
    async with await running_gateway.operator() as operator:
        reply = await operator.get("/metrics")
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/plain")
        assert "x-request-id" in reply.headers


async def test_the_settings_token_opens_metrics_and_nothing_else(
    databases: Databases, tmp_path: Path, engine: FakeEngine
) -> None:
    """In-process: the gateway of the run has no token."""
    token = "a-long-enough-token"
    settings = msgspec.structs.replace(
        settings_for(tmp_path, engine.url, engine.url, databases.setting(tmp_path)), metrics=MetricsSection(token=token)
    )
    assert token not in repr(settings)
    parts = build_parts(settings, hash_cost=QUICK_HASH)
    try:
        transport = httpx.ASGITransport(app=build_app(parts))  # type: ignore[arg-type] # the framework's own types
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            good = {"authorization": f"Bearer {token}"}
            assert "appliance_documents" in (await client.get("/metrics", headers=good)).text
            assert (await client.post("/metrics", headers=good)).status_code in {401, 405}
            assert (await client.get("/api/me", headers=good)).status_code == 401
            assert (await client.get("/metrics", headers={"authorization": "Bearer "})).status_code == 401
    finally:
        await parts.database.close()


async def test_a_call_is_seen_in_the_metrics(running_gateway: Gateway) -> None:
    before = await page(running_gateway)
    async with await running_gateway.operator() as operator, await running_gateway.with_key(operator) as program:
        assert (await program.post("/v1/chat/completions", json=question())).status_code == 200
        assert (await program.post("/v1/chat/completions", json=question(stream=True))).status_code == 200
        await program.ok("POST", "/v1/embeddings", {"model": EMBED_MODEL, "input": "x"})
        assert (await program.post("/v1/chat/completions", json=question(model=CANARY))).status_code == 404
        assert (await program.get(f"/v1/models/{CANARY}")).status_code == 404
    after = await page(running_gateway)

    def grown(name: str, **labels: str) -> float:
        return value_of(after, name, **labels) - value_of(before, name, **labels)

    assert grown("appliance_engine_calls_total", model=CHAT_MODEL, endpoint="chat/completions", outcome="done") == 2
    assert grown("appliance_tokens_total", model=CHAT_MODEL, direction="prompt") == 14
    assert grown("appliance_first_token_seconds_count", model=CHAT_MODEL) == 2
    assert grown("appliance_token_gap_seconds_count", model=CHAT_MODEL) > 5
    assert grown("appliance_engine_calls_total", model=EMBED_MODEL, endpoint="embeddings", outcome="done") == 1
    assert grown("appliance_http_requests_total", endpoint="/v1/chat/completions", status="2xx") == 2
    assert grown("appliance_http_requests_total", endpoint="/v1/chat/completions", status="4xx") == 1
    assert grown("appliance_errors_total", code="model_not_found") == 2
    assert value_of(after, "appliance_engine_state", model=CHAT_MODEL, state="ready") == 1
    assert CANARY not in after


@pytest.fixture
def everything_logged() -> Iterator[None]:
    configure_logging("debug")
    yield
    configure_logging("error")


async def break_in_every_way(gateway: Gateway, program: Client) -> None:
    """Requests with the canary wherever a caller can put something."""
    for body in (question(), question(stream=True), question(temperature=CANARY), question(**{CANARY: 1})):
        await program.post("/v1/chat/completions", json=body)
    await program.post(
        "/v1/chat/completions", content=f'{{"a":"{CANARY}",', headers={"content-type": "application/json"}
    )
    await program.post("/v1/chat/completions", content=CANARY, headers={"content-type": f"text/{CANARY}"})
    await program.get(f"/v1/{CANARY}?{CANARY}={CANARY}", headers={"x-request-id": f"{CANARY} {CANARY}"})
    await program.post("/api/search", json={"query": CANARY})
    await program.post("/api/ask", json={"question": CANARY})
    await program.post("/auth/login", json={"email": f"{CANARY}@example.org", "password": CANARY})
    await program.get("/api/me", headers={"cookie": f"appliance={CANARY}"})
    async with gateway.client(headers={"authorization": f"Bearer pma_aaaaaaaa_{'b' * 43}_00000000"}) as thief:
        await thief.get("/api/me")
    async with gateway.client(headers={"authorization": f"Basic {CANARY}"}) as thief:
        await thief.get("/api/me")


async def test_no_secret_reaches_the_log(
    running_gateway: Gateway,
    engine: FakeEngine,
    everything_logged: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with await running_gateway.operator() as operator:
        made = await operator.ok("POST", "/api/keys", {"name": "log", "expires_in_days": 1})
        async with running_gateway.client(headers={"Authorization": f"Bearer {made['key']}"}) as program:
            await break_in_every_way(running_gateway, program)
            engine.break_after = 2
            await break_in_every_way(running_gateway, program)
            engine.break_after = None

            async def defect(*_: object, **__: object) -> None:
                raise RuntimeError(f"{CANARY} and {made['key']}")

            monkeypatch.setattr(running_gateway.parts.door.chat_completions, "open", defect)
            reply = await program.post("/v1/chat/completions", json=question())
            assert reply.status_code == 500
            assert CANARY not in reply.text
    await asyncio.sleep(2 * FLUSH_S)
    running_gateway.parts.request_log.flush()
    written = "".join(capsys.readouterr())
    assert written.count("event='request'") > 20
    assert f"key_id='{made['id']}'" in written
    assert "RuntimeError" in written
    assert CANARY not in written
    assert made["key"].split("_")[2] not in written
    assert running_gateway.parts.access.operator_token not in written
    assert "b" * 43 not in written
