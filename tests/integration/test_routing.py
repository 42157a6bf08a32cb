"""Several engines for a model, as callers and administrators see them: a gateway and stand-ins as processes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.inference import Catalogue, InferenceSettings
from appliance.inference.client import EngineClient
from appliance.inference.remote import RemoteEngine
from appliance.inference.transport import way_to
from tests.fakes.engine import FakeEngine, serving
from tests.support.clocks import HANGS_S
from tests.support.engines import EngineProcess, engine_processes
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, Client
from tests.support.process import ApplianceProcess

SPARE = "qwen3-0.6b"
"""Stands in for the chat model, and has one slot."""

SETTINGS = """
[engines]
watch_interval_s = 0.5
watch_deadline_s = 1.0
max_wait_s = 5
[[engines.models]]
id = "{chat}"
base_urls = ["{one}", "{two}"]
fallbacks = ["{spare}"]
[[engines.models]]
id = "{spare}"
base_urls = ["{three}"]
max_running = 1
max_waiting = 2
[[engines.models]]
id = "{embed}"
base_urls = ["{one}"]
"""


@dataclass
class Pool:
    process: ApplianceProcess
    one: EngineProcess
    two: EngineProcess
    three: EngineProcess


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    one, two, three = EngineProcess(), EngineProcess(), EngineProcess(delay_s=0.4)
    folder = tmp_path_factory.mktemp("routing")
    with engine_processes(one, two, three):
        urls = {"one": one.url, "two": two.url, "three": three.url}
        file = folder / "appliance.toml"
        file.write_text(SETTINGS.format(chat=CHAT_MODEL, spare=SPARE, embed=EMBED_MODEL, **urls))
        process = ApplianceProcess(folder / "data", {"APPLIANCE_CONFIG": str(file)})
        try:
            process.start(ready_s=100)
            yield Pool(process, one, two, three)
        finally:
            process.stop()


@pytest.fixture
async def program(pool: Pool) -> AsyncIterator[Client]:
    key = (await asyncio.to_thread(pool.process.cli_json, "keys", "create", "routing"))["key"]
    headers = {"Authorization": f"Bearer {key}"}
    async with Client(base_url=pool.process.url, timeout=60, headers=headers) as client:
        yield client


def asked(model: str = CHAT_MODEL, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3, **more}


async def replicas(program: Client, model: str = CHAT_MODEL) -> dict[str, Any]:
    found = await program.ok("GET", "/api/engines")
    return {r["replica"]: r for r in found["replicas"] if r["model"] == model}


async def until(program: Client, wanted: dict[str, bool], model: str = CHAT_MODEL) -> None:
    async with asyncio.timeout(HANGS_S):
        while {name: r["takes"] for name, r in (await replicas(program, model)).items()} != wanted:
            await asyncio.sleep(0.05)


async def test_a_reply_says_which_model_answered(program: Client) -> None:
    for stream in (False, True):
        reply = await program.post("/v1/chat/completions", json=asked(stream=stream))
        assert reply.status_code == 200
        assert reply.headers["x-appliance-model"] == CHAT_MODEL
    assert all(r["requests"] == 0 and r["tokens"] == 0 for r in (await replicas(program)).values())


async def test_a_drained_replica_gets_nothing_until_it_is_undrained(pool: Pool, program: Client) -> None:
    said = await asyncio.to_thread(pool.process.cli, "engines", "drain", CHAT_MODEL, pool.one.url)
    assert "gets no new requests; 0 are outstanding" in said
    listed = await asyncio.to_thread(pool.process.cli, "engines", "list")
    assert "drained for maintenance" in listed
    pool.two.freeze()
    try:
        await until(program, {pool.one.url: False, pool.two.url: False})  # that it is frozen shows that it is watched
    finally:
        pool.two.thaw()
    said = await asyncio.to_thread(pool.process.cli, "engines", "undrain", CHAT_MODEL, pool.one.url)
    assert "gets requests again" in said
    await until(program, {pool.one.url: True, pool.two.url: True})


async def test_a_replica_that_is_not_there_cannot_be_drained(pool: Pool, program: Client) -> None:
    reply = await program.post(f"/api/engines/{CHAT_MODEL}/drain", params={"replica": "http://nowhere/v1"})
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "replica_not_found"
    assert pool.one.url in reply.json()["error"]["remedy"]
    unknown = await program.post("/api/engines/nothing/drain", params={"replica": "1"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")


async def test_only_administrators_see_and_drain(pool: Pool, program: Client) -> None:
    made = await program.ok(
        "POST", "/api/users", {"email": "kim@localhost", "name": "Kim", "password": "a long one 123"}
    )
    assert made["roles"] == ["user"]
    headers = {"X-Requested-With": "appliance"}
    async with Client(base_url=pool.process.url, timeout=60, headers=headers) as person:
        await person.ok("POST", "/auth/login", {"email": "kim@localhost", "password": "a long one 123"})
        assert (await person.get("/api/engines")).status_code == 403
        path = f"/api/engines/{CHAT_MODEL}/drain"
        assert (await person.post(path, params={"replica": pool.one.url})).status_code == 403


async def test_another_model_answers_when_no_replica_does(pool: Pool, program: Client) -> None:
    pool.two.kill()
    pool.one.freeze()
    try:
        await until(program, {pool.one.url: False, pool.two.url: False})
        for stream in (False, True):
            reply = await program.post("/v1/chat/completions", json=asked(stream=stream))
            assert reply.status_code == 200
            assert reply.headers["x-appliance-model"] == SPARE
            assert f'"model": "{SPARE}"' in reply.text
    finally:
        pool.one.thaw()
        pool.two.start()
    await until(program, {pool.one.url: True, pool.two.url: True})
    reply = await program.post("/v1/chat/completions", json=asked())
    assert reply.headers["x-appliance-model"] == CHAT_MODEL


async def test_an_only_engine_that_is_frozen_is_waited_for_a_bounded_time(pool: Pool, program: Client) -> None:
    pool.three.freeze()
    try:
        await until(program, {pool.three.url: False}, SPARE)
        began = time.monotonic()
        waiting = asyncio.create_task(program.post("/v1/chat/completions", json=asked(SPARE)))
        refused = await program.post("/v1/chat/completions", json=asked(SPARE))
        took_s = time.monotonic() - began
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "engine_unavailable")
        assert "does no work" in refused.json()["error"]["message"]
        assert int(refused.headers["retry-after"]) >= 1
        assert 4.9 <= took_s < 10
        assert (await waiting).status_code == 503
        waiting = asyncio.create_task(program.post("/v1/chat/completions", json=asked(SPARE)))
        await asyncio.sleep(1)
        assert not waiting.done()
    finally:
        pool.three.thaw()
    assert (await waiting).status_code == 200


async def test_a_full_line_is_an_honest_503(program: Client) -> None:
    body = asked(SPARE, stream=True)
    replies = await asyncio.gather(*(program.post("/v1/chat/completions", json=body) for _ in range(6)))
    assert sorted(r.status_code for r in replies) == [200, 200, 200, 503, 503, 503]
    for reply in replies:
        if reply.status_code == 503:
            assert reply.json()["error"]["code"] == "engines_busy"
            assert int(reply.headers["retry-after"]) >= 1


async def test_who_leaves_while_waiting_is_out_of_the_line(program: Client) -> None:
    async def waiting() -> int:
        return int((await program.ok("GET", "/api/engines"))["waiting"][SPARE]["interactive"])

    body = asked(SPARE, stream=True)
    async with program.stream("POST", "/v1/chat/completions", json=body | {"max_tokens": 13}) as holder:
        chunks = holder.aiter_bytes()  # held, since a generator that is collected closes the stream
        await anext(chunks)
        leaver = asyncio.create_task(program.post("/v1/chat/completions", json=body))
        async with asyncio.timeout(HANGS_S):
            while await waiting() != 1:
                await asyncio.sleep(0.01)
            leaver.cancel()
            while await waiting() != 0:
                await asyncio.sleep(0.01)
        assert (await replicas(program, SPARE)).popitem()[1]["requests"] == 1
    async with asyncio.timeout(HANGS_S):
        while (await replicas(program, SPARE)).popitem()[1]["requests"]:
            await asyncio.sleep(0.02)


async def test_an_engine_that_serves_another_name_is_told_apart(tmp_path: Path) -> None:
    settings = InferenceSettings(tmp_path, tmp_path, tmp_path, probe_timeout_s=5.0)
    entry = Catalogue.load(tmp_path).get(CHAT_MODEL)
    async with serving(FakeEngine(serves="my-finetune")) as engine:
        client = EngineClient(way_to(engine.url, 5.0), entry.id)
        remote = RemoteEngine(entry, engine.url, client, settings)
        remote.start()
        async with asyncio.timeout(HANGS_S):
            while "my-finetune" not in remote.detail:
                await asyncio.sleep(0.02)
        assert remote.detail == (
            f"serves 'my-finetune', not '{CHAT_MODEL}'; start it with --served-model-name {CHAT_MODEL}"
        )
        engine.serves = CHAT_MODEL
        async with asyncio.timeout(HANGS_S):
            await remote.health.ready.wait()
        await remote.stop()


def test_a_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    settings = InferenceSettings(tmp_path, tmp_path, tmp_path)
    entry = Catalogue.load(tmp_path).get(CHAT_MODEL)
    remote = RemoteEngine(entry, "https://me:secret@gpu1:8001/v1", None, settings)  # type: ignore[arg-type]
    assert "secret" not in json.dumps([remote.name, remote.address])
    assert remote.name == "https://gpu1:8001/v1"
