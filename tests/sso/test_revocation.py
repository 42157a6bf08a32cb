"""What is taken away at Keycloak is gone here, without anybody coming back: measured to the last one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.engine import ANSWER, FakeEngine
from tests.sso.conftest import Firm, Tab
from tests.support.gateway import Client

ROUNDS = 8
GROUP_S, DISABLED_S = 5.0, 30.0
CANARY = "The canary of the legal department sings at noon."


async def until(condition: Callable[[], Awaitable[bool]], within_s: float, what: str) -> float:
    """Seconds until it holds."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < within_s, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def legal_collection(firm: Firm) -> str:
    """A document that only `/staff/legal` may read; the collection's name."""
    name = f"legal {time.monotonic_ns()}"
    async with await firm.gateway.operator() as operator:
        groups = {g["name"]: g["id"] for g in await operator.ok("GET", "/api/groups")}
        reader = {"kind": "group", "id": groups["/staff/legal"]}
        collection = await operator.collection(name, [reader])
        await operator.upload(collection, "canary.md", f"# Legal\n\n{CANARY}\n".encode())
        await operator.until_idle(collection)
    return name


async def as_client(firm: Firm, tab: Tab) -> Client:
    return firm.gateway.client(cookies=await tab.cookies(), headers={"X-Requested-With": "appliance"})


async def sees(client: Client) -> bool:
    reply = await client.post("/api/search", json={"query": "canary legal department noon"})
    return reply.status_code == 200 and CANARY in reply.text


async def test_a_group_left_at_keycloak_changes_what_the_next_question_sees(firm: Firm, tab: Tab, name: str) -> None:
    subject = firm.person(name, "/staff/legal", "/staff")
    await tab.log_in(name)
    await legal_collection(firm)
    left, joined = [], []
    async with await as_client(firm, tab) as client:
        assert await sees(client)
        for _ in range(ROUNDS):
            await asyncio.to_thread(firm.leave, subject, "/staff/legal")
            left.append(await until(lambda: _not(sees(client)), GROUP_S, "the passage is unreachable"))
            await asyncio.to_thread(firm.join, subject, "/staff/legal")
            joined.append(await until(lambda: sees(client), GROUP_S, "the passage is there again"))
        assert (await client.get("/api/me")).status_code == 200, "the session itself goes on"
    print(f"group left at Keycloak → passages unreachable: p100 {max(left):.2f} s of {ROUNDS}")
    print(f"group joined at Keycloak → passages found: p100 {max(joined):.2f} s of {ROUNDS}")


async def test_somebody_disabled_loses_session_key_and_stream(
    firm: Firm, tab: Tab, engine: FakeEngine, name: str
) -> None:
    subject = firm.person(name, "/staff")
    await tab.log_in(name)
    took: dict[str, list[float]] = {"session": [], "key": [], "stream": []}
    async with await as_client(firm, tab) as client:
        key = (await client.ok("POST", "/api/keys", {"name": "k", "expires_in_days": 1}))["key"]
        conversation = (await client.ok("POST", "/api/conversations", {}))["id"]
        async with firm.gateway.client(headers={"Authorization": f"Bearer {key}"}) as program:
            assert (await program.get("/v1/models")).status_code == 200
            stream = asyncio.create_task(long_stream(client, conversation, engine))
            await asyncio.sleep(1)
            assert not stream.done()
            await asyncio.to_thread(firm.enable, subject, enabled=False)
            began = time.monotonic()
            dead = await asyncio.gather(
                until(lambda: _is(client.get("/api/me"), 401), DISABLED_S, "the session is dead"),
                until(lambda: _is(program.get("/v1/models"), 401), DISABLED_S, "the key is dead"),
            )
            assert await asyncio.wait_for(stream, DISABLED_S) == "failed"
            took["session"].append(dead[0])
            took["key"].append(dead[1])
            took["stream"].append(time.monotonic() - began)
    told = ", ".join(f"{what} {max(times):.2f} s" for what, times in took.items())
    print(f"disabled at Keycloak → dead here: {told}")
    await tab.page.reload()
    await tab.page.get_by_role("link", name="Log in with single sign-on").wait_for()


async def test_somebody_deleted_is_dead_too(firm: Firm, tab: Tab, name: str) -> None:
    subject = firm.person(name, "/staff")
    await tab.log_in(name)
    async with await as_client(firm, tab) as client:
        await asyncio.to_thread(firm.admin.delete_user, subject)
        took = await until(lambda: _is(client.get("/api/me"), 401), DISABLED_S, "the session is dead")
    print(f"deleted at Keycloak → session dead: {took:.2f} s")


async def long_stream(client: Client, conversation: str, engine: FakeEngine) -> str:
    """An answer of a minute; the name of its last event."""
    engine.answer, engine.delay_s, last = " ".join(["word"] * 600), 0.1, ""
    body = {"question": "Tell me a lot", "assistant_id": "assistant"}
    try:
        async with client.stream("POST", f"/api/conversations/{conversation}/turns", json=body) as reply:
            async for line in reply.aiter_lines():
                if line.startswith("event: "):
                    last = line.removeprefix("event: ")
    finally:
        engine.answer, engine.delay_s = ANSWER, 0.0
    return last


async def _not(asked: Awaitable[bool]) -> bool:
    return not await asked


async def _is(asked: Awaitable[Any], status: int) -> bool:
    return bool((await asked).status_code == status)
