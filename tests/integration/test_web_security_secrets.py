"""Secrets go into every flow, also into those that break, and come out nowhere (LOG-01, LOG-05)."""

import asyncio
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from appliance.edge.requestlog import FLUSH_S
from appliance.foundation import configure_logging
from appliance.identity.secrets import random_text
from tests.fakes.engine import FakeEngine
from tests.support.gateway import CHAT_MODEL, PASSWORD, Client, Gateway
from tests.support.planted import Planted, ask_everywhere, send
from tests.support.process import PASSWORD as FIRST_PASSWORD
from tests.support.process import ApplianceProcess

SETTINGS = """
log_level = "debug"
[metrics]
token_file = "{token}"
[[engines.models]]
id = "smollm2-135m-instruct"
base_urls = ["{engine}"]
[[engines.models]]
id = "multilingual-e5-small"
base_urls = ["{engine}"]
"""


@pytest.fixture
def planted() -> Planted:
    return Planted()


@pytest.fixture
def everything_logged() -> Iterator[None]:
    configure_logging("debug")
    yield
    configure_logging("error")


async def keep_documents(planted: Planted, client: Client) -> None:
    """Text of documents and files, good and broken."""
    key = await client.collection(f"s-{uuid.uuid4().hex}")
    await client.upload(key, "good.md", f"# Rules\n\n{planted.word()}\n".encode())
    await client.upload(key, "broken.docx", b"PK\x03\x04" + planted.word().encode())
    await client.upload(key, "broken.pdf", b"%PDF-1.7 " + planted.word().encode())
    await client.until_idle(key)
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"prompt": planted.word()}}
    sent = {"file": ("in.jsonl", json.dumps(line).encode() + b"\n{" + planted.word().encode())}
    made = (await client.post("/v1/files", files=sent, data={"purpose": "batch"})).json()
    wish = {"input_file_id": made["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    await send(planted, client, "POST", "/v1/batches", json=wish)


async def knock(planted: Planted, gateway: Gateway, person: Client) -> None:
    """Credentials, good and bad, in every place where somebody puts one."""
    token = f"eyJ{random_text(30)}.{planted.keep(random_text(60))}.{planted.keep(random_text(86))}"
    word = planted.word
    basic = planted.keep(f"Zm9v{random_text(20)}")
    places = [
        *({"authorization": f"Bearer {secret}"} for secret in (planted.key(), word("key"), token, "pma_" + word("k"))),
        *({"x-api-key": planted.key()}, {"authorization": f"Basic {basic}"}, {"authorization": word("raw")}),
        *({"cookie": f"appliance_session={planted.keep(random_text(43))}"}, {"cookie": f"session={word('cookie')}"}),
        *(
            {"x-request-id": f"{word('id')} {word('id')}"},
            {"traceparent": word("trace")},
            {"user-agent": word("agent")},
        ),
    ]
    for headers in places:
        async with gateway.client(headers=headers) as stranger:
            for path in ("/api/me", "/v1/models", "/v1/messages"):
                await send(planted, stranger, "GET" if path != "/v1/messages" else "POST", path)
    for password in (word("password"), word("password") * 200):
        login = {"email": f"{uuid.uuid4().hex}@x.test", "password": password}
        await send(planted, person, "POST", "/auth/login", json=login)
    change = {"current": word("password"), "new": word("password")}
    await send(planted, person, "POST", "/api/me/password", json=change)
    await send(planted, person, "POST", "/api/me/password", json={"current": PASSWORD, "new": word("pw")[:8]})
    async with await gateway.operator() as chief:
        account = {"email": f"{uuid.uuid4().hex}@x.test", "name": "x", "password": word("password")}
        made = await chief.ok("POST", "/api/users", account)
        await chief.ok("PATCH", f"/api/users/{made['id']}", {"password": word("password")})
        await send(planted, chief, "POST", "/api/users", json=account)


async def break_inside(planted: Planted, gateway: Gateway, program: Client, patch: pytest.MonkeyPatch) -> None:
    """Errors whose words hold what libraries put there."""
    address = f"postgresql://appliance:{planted.word('database')}@db.example.org/appliance"
    errors = (
        RuntimeError(planted.word("defect")),
        OperationalError(f"INSERT {planted.word('sql')}", {"x": planted.word("row")}, Exception(f"connect {address}")),
        ValueError(f"{address} and {planted.key()}"),
    )
    for error in errors:

        async def defect(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        with patch.context() as broken:
            broken.setattr(gateway.parts.people, "get", defect)
            broken.setattr(gateway.parts.door.chat_completions, "open", defect)
            await send(planted, program, "GET", "/api/me")
            body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": planted.word()}]}
            await send(planted, program, "POST", "/v1/chat/completions", json=body)


async def test_a_secret_comes_out_nowhere(
    running_gateway: Gateway,
    engine: FakeEngine,
    planted: Planted,
    everything_logged: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = await running_gateway.person(f"{uuid.uuid4().hex}@x.test")
    made = await person.ok("POST", "/api/keys", {"name": "log", "expires_in_days": 1})
    planted.keep(made["key"].split("_")[2])
    planted.keep(dict(person.cookies)["appliance_session"])
    planted.keep(running_gateway.parts.access.operator_token.removeprefix("pmo_"))
    async with running_gateway.client(headers={"Authorization": f"Bearer {made['key']}"}) as program:
        await ask_everywhere(planted, program)
        await keep_documents(planted, person)
        await knock(planted, running_gateway, person)
        engine.break_after = 2
        await ask_everywhere(planted, program)
        engine.break_after = None
        await break_inside(planted, running_gateway, program, monkeypatch)
    await person.aclose()
    async with await running_gateway.operator() as chief:
        pages = [(await chief.get(path)).text for path in ("/metrics", "/api/usage/report", "/api/audit/export")]
    await asyncio.sleep(2 * FLUSH_S)
    running_gateway.parts.request_log.flush()
    written = "".join(capsys.readouterr())
    assert len(planted.all) >= 50
    assert len(planted.bodies) >= 40
    assert written.count("event='request'") > 100
    assert written.count("event='defect'") >= 6
    assert not planted.seen_in(written), "in the log"
    for page in (*pages, *planted.bodies):
        assert not planted.seen_in(page)
    for body in planted.bodies:
        assert not any(sign in body for sign in ("Traceback", "site-packages", ".py", "sqlalchemy", "asyncio", "0x"))
    print(
        f"\nLOG-01: {len(planted.all)} secrets, {len(written.splitlines())} lines, {len(planted.bodies)} error bodies"
    )


async def test_the_process_shows_no_secret_to_others(tmp_path: Path, engine: FakeEngine) -> None:
    """What `ps` shows, what it writes, and how it leaves its files."""
    token = tmp_path / "token"
    token.write_text(f"CNRYtoken{random_text(20)}\n")
    token.chmod(0o600)
    running = ApplianceProcess(tmp_path / "data")
    running.data.mkdir()
    (running.data / "appliance.toml").write_text(SETTINGS.format(token=token, engine=engine.url))
    before = os.umask(0o022)
    try:
        await asyncio.to_thread(running.start)
    finally:
        os.umask(before)
    try:
        assert running.process is not None
        for pid in (running.process.pid, *running.engine_pids()):
            shown = Path(f"/proc/{pid}/cmdline").read_text()
            assert FIRST_PASSWORD not in shown
            assert "CNRY" not in shown
        assert FIRST_PASSWORD not in running.output()
        assert "CNRY" not in running.output()
        made = [p for p in running.data.rglob("*") if p.is_file() and p.name not in ("appliance.toml", "output.log")]
        assert made
        assert not [p for p in made if p.stat().st_mode & 0o077], "readable by others"
    finally:
        assert await asyncio.to_thread(running.stop) == 0
