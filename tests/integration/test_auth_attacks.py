"""The attack tables of bearer tokens, through the gateway's own port: none is taken, all are refused alike.

Rows AUTH-01 to 11 of the plan; 12 is in `test_provider_faults.py`, 28 to 30 in `test_credential_forms.py`.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.campaigns.token_attacks import mutants
from tests.fakes.provider import FakeProvider
from tests.support.gateway import Client, Gateway
from tests.support.token_attacks import ROWS, Attack, World, attacks, controls

pytestmark = pytest.mark.any_database

LONGEST_HEADER = 60_000
"""Characters; the web server itself refuses longer ones, before anything of ours reads them."""
DOORS = (("GET", "/api/me"), ("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("GET", "/api/users"))


@pytest.fixture(scope="module")
async def listener() -> AsyncIterator[tuple[str, list[str]]]:
    """The attacker's own server: its address, and who came."""
    came: list[str] = []

    def meet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(str(writer.get_extra_info("peername")))
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", came
    server.close()


@pytest.fixture(scope="module")
def world(provider: FakeProvider, listener: tuple[str, list[str]]) -> World:
    return World.over(provider, listener[0])


@pytest.fixture
async def client(door: Gateway) -> AsyncIterator[Client]:
    async with door.client() as made:
        yield made


def asked(client: Client, token: str, way: tuple[str, str]) -> httpx.Request:
    """With the token's own bytes, whatever they are."""
    method, path = way
    headers = [(b"authorization", b"Bearer " + token.encode("utf-8", "surrogatepass"))]
    body = {"model": "x", "messages": []} if method == "POST" else None
    return client.build_request(method, path, headers=headers, json=body)


def sendable(token: str) -> bool:
    """Whether it can stand in a header at all: a client that sends NUL or a line's end sends no request."""
    return token.isprintable() and len(token) < LONGEST_HEADER and token.strip() == token


@pytest.mark.parametrize("name", ["plain", "at+jwt", "over for 20 s", "jku that is not looked at", "by the pss key"])
async def test_an_honest_token_is_let_in(world: World, client: Client, name: str) -> None:
    reply = await client.send(asked(client, controls(world)[name], DOORS[0]))
    assert reply.status_code == 200, reply.text
    assert reply.json()["email"] == "ann@firm.test"


async def test_every_honest_token_is_let_in(world: World, client: Client) -> None:
    for name, token in controls(world).items():
        reply = await client.send(asked(client, token, DOORS[0]))
        assert reply.status_code == 200, f"{name}: {reply.text}"


@pytest.mark.parametrize("row", ROWS)
async def test_no_attack_is_taken_and_all_are_refused_alike(
    world: World, client: Client, listener: tuple[str, list[str]], row: str
) -> None:
    bodies: Counter[str] = Counter()
    found = [a for a in attacks(world, row) if sendable(a.token)]
    for i, attack in enumerate(found):
        reply = await client.send(asked(client, attack.token, DOORS[i % 2]))
        assert reply.status_code == 401, f"{attack}: {reply.status_code} {reply.text}"
        bodies[reply.json()["error"]["message"].removesuffix(_remedy(reply)).strip()] += 1
    assert set(bodies) == {"The credentials are unknown, expired or revoked."}
    assert listener[1] == [], "something came to the attacker"
    print(f"{row}: {len(found)} refused of {len(found)}")


def _remedy(reply: httpx.Response) -> str:
    """`/v1` has cause and way out in one text, other addresses apart."""
    return "Log in, or send a valid key as 'Authorization: Bearer <key>'."


def test_the_tables_have_five_hundred_different_attacks(world: World) -> None:
    found: list[Attack] = [a for row in ROWS for a in attacks(world, row)]
    assert len({(a.row, a.name) for a in found}) == len(found), "a name stands twice"
    print(Counter(a.row for a in found), len(found))
    assert len({a.token for a in found}) >= 500
    good = set(controls(world).values())
    assert not good & {a.token for a in found}


async def test_the_same_body_comes_for_a_key_that_nobody_has(world: World, client: Client) -> None:
    bodies = set()
    for token in (world.good(aud="x"), "pma_" + "x" * 60, "a.b.c", "eyJ", attacks(world, "AUTH-01")[0].token):
        reply = await client.send(asked(client, token, DOORS[0]))
        error = reply.json()["error"]
        assert len(error.pop("request_id")) > 10
        bodies.add((reply.status_code, str(error), str(sorted(reply.headers)), len(reply.content)))
    assert len(bodies) == 1


async def test_a_thousand_mutants_on_every_door(world: World, client: Client) -> None:
    rng = random.Random(11)
    statuses: Counter[int] = Counter()
    for token in (m for m in mutants(world, 1300, seed=11) if sendable(m)):
        reply = await client.send(asked(client, token, rng.choice(DOORS)))
        statuses[reply.status_code] += 1
    assert set(statuses) == {401}, statuses
    assert statuses.total() >= 1000


@pytest.mark.parametrize("size", [100_000, 1_000_000])
async def test_an_endless_token_is_refused(world: World, door: Gateway, size: int) -> None:
    async with door.client() as client:
        try:
            reply = await client.send(asked(client, world.good()[:-1] + "A" * size, DOORS[0]))
        except httpx.TransportError:
            return  # the web server hung up while it was still coming
        assert 400 <= reply.status_code < 500


async def test_unknown_keys_make_one_reading_in_all(world: World, client: Client) -> None:
    """However many kids; the keys were read at the start, so the first of them may cause one more."""
    before = world.provider.asked["certs"]
    for _ in range(3):
        for attack in attacks(world, "AUTH-07"):
            if sendable(attack.token):
                assert (await client.send(asked(client, attack.token, DOORS[0]))).status_code == 401
    assert world.provider.asked["certs"] - before <= 1
    print(
        f"readings that {3 * len(attacks(world, 'AUTH-07'))} unknown kids caused:",
        world.provider.asked["certs"] - before,
    )
