"""What happens to sessions and streams while they last: rows AUTH-24, 26 and 27 of the plan."""

import asyncio
import json
import time
from collections.abc import Callable

from tests.fakes.engine import ANSWER, FakeEngine
from tests.fakes.provider import FakeProvider
from tests.support.clocks import HANGS_S
from tests.support.gateway import Gateway
from tests.support.visitor import HOME, Visitor


async def test_a_refresh_token_is_used_once_and_replaced(visitor: Visitor, provider: FakeProvider) -> None:
    sid = await visitor.log_in_at(provider)
    deadline = time.monotonic() + HANGS_S
    while len(used := [was_used for code, was_used in provider.refreshes.values() if code.sid == sid]) < 3:
        assert time.monotonic() < deadline, "the session's tokens are not renewed"
        await asyncio.sleep(0.1)
    assert used[:2] == [True, True]
    assert await visitor.me() == 200


async def until(visitor: Visitor, status: int, within_s: float) -> float:
    """How long it took until the person's own page answers with this."""
    began = time.monotonic()
    while await visitor.me() != status:
        assert time.monotonic() - began < within_s, f"not {status} within {within_s} s"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_auth_26_somebody_who_is_disabled_is_cut_off_without_coming_back(
    visitor: Visitor, provider: FakeProvider, as_: Callable[[str], None]
) -> None:
    provider.user("dan", groups=("/staff",))
    as_("dan")
    await visitor.log_in()
    assert await visitor.me() == 200
    provider.users["dan"].enabled = False
    print(f"disabled at the provider → session dead: {await until(visitor, 401, 30):.1f} s")


async def test_auth_27_a_group_is_left_without_coming_back(
    visitor: Visitor, provider: FakeProvider, as_: Callable[[str], None]
) -> None:
    user = provider.user("gus", groups=("/staff", "/staff/legal"))
    as_("gus")
    await visitor.log_in()
    assert "/staff/legal" in json.dumps((await visitor.ask("GET", "/api/me")).json())
    user.groups = ("/staff",)
    began = time.monotonic()
    while "/staff/legal" in (await visitor.ask("GET", "/api/me")).text:
        assert time.monotonic() - began < 10
        await asyncio.sleep(0.05)
    print(f"group left at the provider → gone here: {time.monotonic() - began:.1f} s")


async def test_an_outage_of_the_provider_ends_no_session(visitor: Visitor, provider: FakeProvider) -> None:
    await visitor.log_in()
    provider.fault = "500"
    try:
        await asyncio.sleep(4)
        assert await visitor.me() == 200
    finally:
        provider.fault = ""
    await asyncio.sleep(2)
    assert await visitor.me() == 200


async def cut_after(visitor: Visitor, engine: FakeEngine, act: Callable[[], object]) -> tuple[float, str]:
    """Do something in the middle of an answer: seconds until its stream ended, and its last event."""
    engine.answer, engine.delay_s = " ".join(["word"] * 600), 0.1
    try:
        made = (await visitor.ask("POST", "/api/conversations", json={})).json()
        cookies = "; ".join(f"{k}={v}" for k, v in visitor.cookies.items())
        headers = {**HOME, "cookie": cookies}
        body = {"question": "Tell me a lot", "assistant_id": "assistant"}
        path = f"/api/conversations/{made['id']}/turns"
        async with visitor.gateway.client(headers=headers) as client, client.stream("POST", path, json=body) as reply:
            assert reply.status_code == 200, (await reply.aread()).decode()
            began, last = 0.0, ""
            async for line in reply.aiter_lines():
                if line.startswith("event: "):
                    last = line.removeprefix("event: ")
                if not began and last == "token":
                    act()
                    began = time.monotonic()
            return time.monotonic() - began, last
    finally:
        engine.answer, engine.delay_s = ANSWER, 0.0


async def test_auth_26_an_open_stream_of_somebody_disabled_is_cut(
    visitor: Visitor, provider: FakeProvider, engine: FakeEngine, as_: Callable[[str], None]
) -> None:
    user = provider.user("ida", groups=("/staff",))
    as_("ida")
    await visitor.log_in()
    took, last = await cut_after(visitor, engine, lambda: setattr(user, "enabled", False))
    assert last == "failed"
    assert took < 30
    print(f"disabled at the provider → open stream cut: {took:.1f} s")


async def test_auth_24_an_open_stream_ends_with_the_session(
    visitor: Visitor, door: Gateway, engine: FakeEngine
) -> None:
    await visitor.log_in()
    tasks = []
    out = Visitor(door, dict(visitor.cookies))
    took, last = await cut_after(
        visitor, engine, lambda: tasks.append(asyncio.ensure_future(out.ask("POST", "/auth/logout")))
    )
    assert last == "failed"
    assert took < 5
