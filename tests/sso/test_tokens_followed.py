"""Callers who only have access tokens: what is shut at Keycloak is shut here, long before the token ends (AUTH-26)."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.fakes.engine import ANSWER, FakeEngine
from tests.sso.conftest import PASSWORD, REALM, Firm
from tests.sso.test_revocation import DISABLED_S, until
from tests.support.gateway import CHAT_MODEL, Client
from tests.support.realm_client import RealmClient

OUT = (401, 403)


def client_of(firm: Firm, client_id: str) -> RealmClient:
    secret = firm.admin.get_client_secrets(firm.admin.get_client_id(client_id) or "")["value"]
    return RealmClient(firm.keycloak.issuer(REALM), client_id, str(secret), firm.url)


@contextmanager
def slow(engine: FakeEngine) -> Iterator[None]:
    """Answers of a minute."""
    engine.answer, engine.delay_s = " ".join(["word"] * 600), 0.1
    try:
        yield
    finally:
        engine.answer, engine.delay_s = ANSWER, 0.0


async def stream(caller: Client) -> str:
    """A long answer; the code with which it ended."""
    body = {"model": CHAT_MODEL, "stream": True, "messages": [{"role": "user", "content": "Say a lot."}]}
    last = ""
    async with caller.stream("POST", "/v1/chat/completions", json=body) as reply:
        assert reply.status_code == 200
        async for line in reply.aiter_lines():
            last = line.removeprefix("data: ") if line.startswith("data: ") else last
    return str(json.loads(last).get("error", {}).get("code")) if last.startswith("{") else last


async def cut_off(caller: Client, shut: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    """Seconds until the token opens nothing any more, and until its open stream is over."""

    async def is_out() -> bool:
        return (await caller.get("/v1/models")).status_code in OUT

    open_stream = asyncio.create_task(stream(caller))
    await asyncio.sleep(1)
    assert not open_stream.done()
    await shut()
    began = time.monotonic()
    token_s = await until(is_out, DISABLED_S, "the token is dead")
    assert await asyncio.wait_for(open_stream, DISABLED_S) == "access_ended"
    return token_s, time.monotonic() - began


async def test_somebody_disabled_who_only_has_a_token(firm: Firm, engine: FakeEngine, name: str) -> None:
    subject = firm.person(name, "/staff")
    token = (await client_of(firm, "appliance").tokens_of(name, PASSWORD))["access_token"]
    async with firm.gateway.client(headers={"Authorization": f"Bearer {token}"}) as caller:
        assert (await caller.get("/v1/models")).status_code == 200
        with slow(engine):
            took = await cut_off(caller, lambda: asyncio.to_thread(firm.enable, subject, enabled=False))
        print(f"disabled at Keycloak → token dead: {took[0]:.2f} s, its stream over: {took[1]:.2f} s")
        await asyncio.to_thread(firm.enable, subject, enabled=True)
        await until(lambda: lets_in(caller), DISABLED_S, "let in again: the token itself is still good")


async def test_a_program_whose_client_is_disabled(firm: Firm, engine: FakeEngine) -> None:
    admin, client = firm.admin, client_of(firm, "appliance-service")
    internal = admin.get_client_id("appliance-service") or ""
    robot = admin.get_client_service_account_user(internal)["id"]
    admin.group_user_add(robot, admin.get_group_by_path("/staff")["id"])

    def enable(*, enabled: bool) -> None:
        firm.admin.update_client(internal, {**firm.admin.get_client(internal), "enabled": enabled})

    token = await client.own_token()
    async with firm.gateway.client(headers={"Authorization": f"Bearer {token}"}) as caller:
        assert (await caller.get("/v1/models")).status_code == 200
        try:
            with slow(engine):
                took = await cut_off(caller, lambda: asyncio.to_thread(enable, enabled=False))
        finally:
            await asyncio.to_thread(enable, enabled=True)
        print(f"client disabled at Keycloak → token dead: {took[0]:.2f} s, its stream over: {took[1]:.2f} s")
        await until(lambda: lets_in(caller), DISABLED_S, "let in again")
        await asyncio.to_thread(firm.leave, robot, "/staff")
        await until(lambda: _not(lets_in(caller)), DISABLED_S, "out with the group")
        print("a program's group left at Keycloak → token dead too")


async def lets_in(caller: httpx.AsyncClient) -> bool:
    return (await caller.get("/v1/models")).status_code == 200


async def _not(asked: Awaitable[bool]) -> bool:
    return not await asked
