"""One credential in one place, told apart from everything else: rows AUTH-28 to 30 of the plan."""

import asyncio
import base64
import random
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from appliance.audit import Audit, AuditSettings
from appliance.foundation import NotAuthenticated, SystemClock
from appliance.identity import Access, IdentitySettings, Keys, Passwords, People, RightsCache
from appliance.identity.credentials import Credential
from appliance.identity.secrets import ApiKeyParts, new_api_key, random_text, read_api_key
from appliance.storage import Database, StorageSettings
from tests.fakes.provider import FakeProvider
from tests.support.databases import SqliteDatabases
from tests.support.gateway import PLAIN, QUICK_HASH, Gateway

Header = tuple[bytes, bytes]


@pytest.fixture(scope="module")
async def good(provider: FakeProvider, door: Gateway) -> dict[str, bytes]:
    """A key and a token, both of living accounts."""
    parts = door.parts
    person, _ = await parts.people.create(email="key@x.test", name="K", password=None, roles=("user",))
    _, text = await parts.keys.create(person.id, "test", 1)
    return {"key": text.encode(), "token": provider.mint(provider.users["ann"]).encode()}


async def status(door: Gateway, path: str, headers: list[Header]) -> int:
    async with httpx.AsyncClient(base_url=door.url, timeout=60, **PLAIN) as client:
        return (await client.get(path, headers=headers)).status_code


@pytest.mark.any_database
@pytest.mark.parametrize("kind", ["key", "token"])
async def test_one_place_counts_and_no_other(door: Gateway, good: dict[str, bytes], kind: str) -> None:
    secret = good[kind]
    bearer = (b"authorization", b"Bearer " + secret)
    basic = b"Basic " + base64.b64encode(b"x:" + secret)
    cookie = door.parts.identity_settings.cookie_name.encode()
    assert await status(door, "/api/me", [bearer]) == 200
    assert await status(door, "/api/me", [(b"authorization", b"bearer " + secret)]) == 200
    elsewhere: dict[str, tuple[str, list[Header]]] = {
        "x-api-key": ("/api/me", [(b"x-api-key", secret)]),
        "x-api-key on /v1": ("/v1/models", [(b"x-api-key", secret)]),
        "api-key": ("/v1/models", [(b"api-key", secret)]),
        "x-auth-token": ("/v1/models", [(b"x-auth-token", secret)]),
        "x-forwarded-access-token": ("/v1/models", [(b"x-forwarded-access-token", secret)]),
        "proxy-authorization": ("/v1/models", [(b"proxy-authorization", b"Bearer " + secret)]),
        "access_token in the query": (f"/v1/models?access_token={secret.decode()}", []),
        "api_key in the query": (f"/v1/models?api_key={secret.decode()}", []),
        "token in the query": (f"/api/me?token={secret.decode()}", []),
        "our cookie": ("/api/me", [(b"cookie", cookie + b"=" + secret)]),
        "another cookie": ("/api/me", [(b"cookie", b"access_token=" + secret)]),
        "basic": ("/api/me", [(b"authorization", basic)]),
        "no scheme": ("/api/me", [(b"authorization", secret)]),
        "another scheme": ("/api/me", [(b"authorization", b"Token " + secret)]),
        "DPoP": ("/api/me", [(b"authorization", b"DPoP " + secret)]),
        "bearer with a colon": ("/api/me", [(b"authorization", b"Bearer: " + secret)]),
        "bearer twice in one": ("/api/me", [(b"authorization", b"Bearer Bearer " + secret)]),
        "quoted": ("/api/me", [(b"authorization", b'Bearer "' + secret + b'"')]),
        "a list": ("/api/me", [(b"authorization", b"Bearer " + secret + b", Bearer " + secret)]),
        "with a parameter": ("/api/me", [(b"authorization", b"Bearer " + secret + b"; x=1")]),
    }
    for what, (path, headers) in elsewhere.items():
        assert await status(door, path, headers) == 401, what


@pytest.mark.any_database
async def test_a_key_counts_as_x_api_key_for_messages_and_a_token_does_not(
    door: Gateway, good: dict[str, bytes]
) -> None:
    async with door.client() as client:
        for kind, wanted in (("key", 400), ("token", 401)):
            headers = [(b"x-api-key", good[kind]), (b"content-type", b"application/json")]
            reply = await client.post("/v1/messages", headers=headers, content=b"{}")
            assert reply.status_code == wanted, reply.text


@pytest.mark.any_database
async def test_two_credentials_are_refused_also_when_both_are_good(door: Gateway, good: dict[str, bytes]) -> None:
    key, token = (b"authorization", b"Bearer " + good["key"]), (b"authorization", b"Bearer " + good["token"])
    cookie = (b"cookie", door.parts.identity_settings.cookie_name.encode() + b"=" + b"x" * 43)
    api_key = (b"x-api-key", good["key"])
    doubled = [[key, key], [key, token], [token, token], [key, api_key], [token, api_key], [key, cookie]]
    doubled += [[token, cookie], [api_key, api_key], [api_key, cookie], [key, token, cookie]]
    for headers in doubled:
        assert await status(door, "/v1/messages", headers) in {400, 401}, headers


PIECES = (
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    "' UNION SELECT token_hash FROM sessions --",
    '{"$gt": ""}',
    '{"$where": "sleep(1000)"}',
    "%s%s%n%x",
    "{0.__class__}",
    "${jndi:ldap://127.0.0.1/x}",
    "{{7*7}}",
    "$(id)",
    "`id`",
    "../../../etc/passwd",
    "<script>",
    "*)(uid=*))(|(uid=*",
    "\\",
    "%00",
    "%0d%0aSet-Cookie: x=1",
    "é",
    "ÿ",
    "😀",
    "1e400",
    "-1",
    "true",
    "null",
    "[]",
    "admin'--",
    "0x41",
    "'||pg_sleep(5)||'",
    "\u202e",
    "A" * 300,
)


def payloads(count: int, secret: str, seed: int = 30) -> list[bytes]:
    """Different ones: a piece alone, in the middle of a key, of a token, in the place of one of their parts."""
    rng, found = random.Random(seed), dict[bytes, None]()
    lookup = secret[4:12]
    while len(found) < count:
        piece, body = rng.choice(PIECES) + rng.choice(("", "", rng.choice(PIECES))), random_text(43)
        at = rng.randrange(len(secret))
        text = rng.choice(
            (
                piece,
                f"pma_{piece}_{body}_00000000",
                f"pma_{lookup}_{piece}_00000000",
                f"pma_{lookup}_{body}_{piece}",
                f"pmo_{piece}",
                secret[:at] + piece + secret[at:],
                ApiKeyParts(lookup, body).text() + piece,
                f"eyJhbGciOiJSUzI1NiJ9.{piece}.{body}",
                f"{base64.urlsafe_b64encode(piece.encode()).decode()}.{body}.{body}",
            )
        )
        found[text.strip().encode()] = None
    return [f for f in found if f and f != secret.encode() and b"\r" not in f and b"\n" not in f]


async def test_a_thousand_injections_are_401_and_reach_no_database_error(door: Gateway, good: dict[str, bytes]) -> None:
    cookie = door.parts.identity_settings.cookie_name.encode()
    statuses: Counter[int] = Counter()
    with capture_logs() as lines:
        async with httpx.AsyncClient(base_url=door.url, timeout=60, **PLAIN) as client:
            for i, payload in enumerate(payloads(1040, good["key"].decode())):
                header = (cookie_header(cookie, payload), (b"authorization", b"Bearer " + payload))[i % 4 != 0]
                for path in ("/api/me", "/v1/models"):
                    statuses[(await client.get(path, headers=[header])).status_code] += 1
    print(statuses)
    assert set(statuses) == {401}
    assert statuses.total() >= 2000
    assert not [line for line in lines if line["log_level"] in {"error", "critical"}], lines[:3]
    assert await status(door, "/api/me", [(b"authorization", b"Bearer " + good["key"])]) == 200


def cookie_header(name: bytes, value: bytes) -> Header:
    return b"cookie", name + b"=" + value.replace(b";", b"")


@pytest.fixture
async def keyed(sqlite_databases: SqliteDatabases, tmp_path: Path) -> AsyncIterator[tuple[Access, str]]:
    """Identity alone, and a key of somebody."""
    database, clock, settings = (
        Database(StorageSettings(sqlite_databases.new(tmp_path), tmp_path)),
        SystemClock(),
        IdentitySettings(),
    )
    rights, passwords = RightsCache(clock), Passwords(min_length=12, cost=QUICK_HASH)
    person, _ = await People(database, clock, passwords, rights).create(
        email="a@x.test", name="A", password=None, roles=("user",)
    )
    _, text = await Keys(database, clock, rights, settings).create(person.id, "test", 1)
    access = Access(database, clock, passwords, rights, settings, Audit(database, AuditSettings(tmp_path)))
    await access.start()
    yield access, text
    await access.stop()
    await database.close()


async def test_an_unknown_key_takes_as_long_as_a_wrong_secret(keyed: tuple[Access, str]) -> None:
    access, text = keyed
    known = read_api_key(text)
    assert known is not None
    times: dict[str, list[float]] = {"unknown": [], "wrong secret": []}
    for _ in range(1500):
        for what, parts in (
            ("unknown", new_api_key()),
            ("wrong secret", ApiKeyParts(known.lookup, random_text(43))),
        ):
            credential = Credential("bearer", parts.text())
            began = time.perf_counter()
            with pytest.raises(NotAuthenticated):
                await access.caller(credential)
            times[what].append((time.perf_counter() - began) * 1e6)
        await asyncio.sleep(0)
    medians = {what: statistics.median(found) for what, found in times.items()}
    difference = statistics.median(a - b for a, b in zip(times["unknown"], times["wrong secret"], strict=True))
    print(f"medians in us: {medians}; median of the differences {difference:+.1f}")
    assert abs(difference) < 50
