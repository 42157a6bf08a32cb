"""Who guesses waits, from wherever they guess; whose account it is does not (AUTH-23)."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from appliance.foundation import TRAIL, Trail
from appliance.identity import throttle as module
from appliance.identity.errors import AuthenticationBusy, TooManyAttempts
from appliance.identity.models import LoginTriesRow
from appliance.identity.throttle import Throttle, forget_tries, place_of
from tests.support.clocks import HANGS_S, MovableClock
from tests.support.gateway import PASSWORD, Gateway


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def throttle(running_gateway: Gateway, clock: MovableClock) -> Throttle:
    return Throttle(running_gateway.parts.database, clock)


def addresses() -> Iterator[str]:
    """Of two hundred customers of a provider, never the same twice in a run."""
    start = uuid.uuid4().int % 2**16
    for number in range(200):
        yield f"2001:db8:{start:x}:{number:x}::1"


async def tries(throttle: Throttle, email: str, source: str, user_id: uuid.UUID | None = None) -> str:
    """One guess whose password is not even looked at: what became of it."""
    TRAIL.set(Trail("t", source=source))
    try:
        async with throttle.attempt(email, user_id):
            return "looked at"
    except TooManyAttempts as refused:
        return "waits" if refused.retry_after_s > 0 else "waits for nothing"
    except AuthenticationBusy:
        return "busy"


async def many(throttle: Throttle, *guesses: tuple[str, str]) -> Counter[str]:
    return Counter(await asyncio.gather(*(asyncio.create_task(tries(throttle, *guess)) for guess in guesses)))


def somebody() -> str:
    return f"{uuid.uuid4().hex}@x.test"


async def test_a_guesser_waits_and_the_owner_does_not(running_gateway: Gateway) -> None:
    email, home = somebody(), next(addresses())
    await (await running_gateway.person(email)).aclose()

    async def log_in(source: str, password: str) -> tuple[int, str]:
        async with running_gateway.client(headers={"X-Forwarded-For": source}) as client:
            reply = await client.post("/auth/login", json={"email": email, "password": password})
        return reply.status_code, reply.headers.get("retry-after", "")

    assert (await log_in(home, PASSWORD))[0] == 200
    elsewhere = next(addresses())
    assert [(await log_in(elsewhere, "wrong"))[0] for _ in range(9)] == [401] * 8 + [429]
    status, wait_s = await log_in(elsewhere, PASSWORD)
    assert status == 429, "also the right one waits there"
    assert 200 < int(wait_s) <= 300
    assert (await log_in(home, PASSWORD))[0] == 200


async def test_a_hundred_addresses_get_no_more_tries_at_an_account_than_its_limit(
    running_gateway: Gateway, throttle: Throttle
) -> None:
    email = somebody()
    person = await running_gateway.person(email)
    user_id = uuid.UUID((await person.ok("GET", "/api/me"))["id"])
    async with running_gateway.client(headers={"X-Forwarded-For": "203.0.113.77"}) as own:
        await own.ok("POST", "/auth/login", {"email": email, "password": PASSWORD})
    found: Counter[str] = Counter()
    for source in list(addresses())[:100]:
        found += await many(throttle, *[(email, source)] * 3)
    assert found["looked at"] == module.ACCOUNT.tries
    assert await tries(throttle, email, "203.0.113.77", user_id) == "looked at", "from where they always come"
    assert await tries(throttle, email, next(addresses()), user_id) == "waits"
    assert await tries(throttle, somebody(), next(addresses())) == "looked at", "others are not concerned"
    async with running_gateway.parts.database.write() as session:
        await forget_tries(session, email)
    assert await tries(throttle, email, next(addresses()), user_id) == "looked at", "a new password begins anew"
    await person.aclose()


async def test_an_address_gets_no_more_tries_at_all_accounts_than_its_limit(throttle: Throttle) -> None:
    source = next(addresses())
    found = await many(throttle, *[(somebody(), source) for _ in range(module.PLACE.tries + 20)])
    assert found == {"looked at": module.PLACE.tries, "waits": 20}


async def test_at_once_and_on_two_gateways_there_are_no_more(running_gateway: Gateway, clock: MovableClock) -> None:
    email, source = somebody(), next(addresses())
    gateways = [Throttle(running_gateway.parts.database, clock) for _ in range(2)]
    found = await asyncio.gather(*(many(one, *[(email, source)] * 20) for one in gateways))
    assert sum(each["looked at"] for each in found) == module.ACCOUNT_FROM_PLACE.tries


async def test_an_account_that_does_not_exist_waits_alike(throttle: Throttle) -> None:
    source = next(addresses())
    assert [await tries(throttle, "nobody@x.test ", source) for _ in range(9)] == ["looked at"] * 8 + ["waits"]
    assert await tries(throttle, "NOBODY@x.test", source) == "waits", "however it is written"


async def test_what_was_counted_is_forgotten_in_time(
    running_gateway: Gateway, throttle: Throttle, clock: MovableClock
) -> None:
    email, source = somebody(), next(addresses())
    await many(throttle, *[(email, source)] * 10)
    clock.at += module.ACCOUNT_FROM_PLACE.time
    assert await tries(throttle, email, source) == "looked at"
    clock.at += timedelta(days=1)
    await tries(throttle, somebody(), next(addresses()))
    async with running_gateway.parts.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(LoginTriesRow)) == 3, "nothing older stays"


async def test_a_flood_waits_in_a_line_of_known_length(throttle: Throttle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 5)
    sources = list(addresses())
    async with throttle._lane(known=False):
        waiting = [asyncio.create_task(tries(throttle, somebody(), source)) for source in sources[:20]]
        async with asyncio.timeout(HANGS_S):
            while sum(task.done() for task in waiting) < 16:
                await asyncio.sleep(0.01)
        async with throttle._lane(known=True):
            pass  # they pass by
    found = Counter(await asyncio.gather(*waiting))
    assert found == {"busy": 16, "looked at": 4}


async def test_the_own_password_is_not_to_be_guessed_at_an_open_screen(running_gateway: Gateway) -> None:
    person = await running_gateway.person(somebody())
    person.headers["X-Forwarded-For"] = next(addresses())
    found = []
    for _ in range(9):
        reply = await person.post("/api/me/password", json={"current": "wrong", "new": "another long password"})
        found.append(reply.status_code)
    assert found == [400] * 8 + [429]
    await person.aclose()


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("", ""),
    ],
)
def test_who_has_a_network_has_one_count(source: str, place: str) -> None:
    assert place_of(source) == place
