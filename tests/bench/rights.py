"""What it costs to know who is calling: `python -m tests.bench.rights`.

Prints microseconds of the processor for a request, medians of 9 rounds; the clock on the wall would measure neighbours.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from appliance.audit import Audit, AuditSettings
from appliance.foundation import SystemClock
from appliance.identity import (
    Access,
    Accounts,
    AdmissionRules,
    IdentitySettings,
    Keys,
    Passwords,
    People,
    RightsCache,
)
from appliance.identity.credentials import Credential, read_credential
from appliance.identity.oidc import OidcSettings, open_oidc
from appliance.migrations import migrate
from appliance.storage import Database, StorageSettings
from tests.fakes.provider import CLIENT, FakeProvider, providing

ROUNDS, CALLS = 9, 20_000
KEYS = 1000


def microseconds(call: Callable[[int], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for i in range(CALLS):
            call(i)
        times.append((time.process_time() - began) / CALLS * 1e6)
    return statistics.median(times)


def in_turn(first: Callable[[int], object], second: Callable[[int], object]) -> tuple[float, float]:
    """Medians of both, measured round by round in turn: what the machine does besides meets both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(3):
        times[0].append(microseconds(first))
        times[1].append(microseconds(second))
    return statistics.median(times[0]), statistics.median(times[1])


def asking(access: Access, cookie: bytes, text: str) -> Callable[[int], object]:
    """What a request does to know its caller, from raw headers on."""
    headers = [
        (b"host", b"127.0.0.1:8080"),
        (b"user-agent", b"OpenAI/Python"),
        (b"accept", b"application/json"),
        (b"content-type", b"application/json"),
        (b"content-length", b"120"),
        (b"authorization", b"Bearer " + text.encode()),
    ]

    def whole(_: int) -> object:
        found = read_credential(headers, cookie, "/v1/chat/completions")
        return None if found is None else access.cached(found)

    assert whole(0) is not None
    return whole


async def measure_tokens(database: Database, audit: Audit, rights: RightsCache, cookie: bytes, key: str) -> None:
    """The same with access tokens of a provider, against a key."""
    async with providing(FakeProvider()) as provider:
        users = [provider.user(f"person{i}") for i in range(KEYS)]
        texts = [provider.mint(user) for user in users]
        oidc = OidcSettings(provider.issuer, CLIENT, admitted_groups=frozenset({"/staff"}), timeout_s=30)
        rules = AdmissionRules(admitted_groups=oidc.admitted_groups)
        clock, settings = SystemClock(), IdentitySettings(mode="oidc", oidc=oidc)
        door = open_oidc(settings, Accounts(database, clock, rights, rules), database, rights, clock)
        assert door is not None
        access = Access(database, clock, Passwords(min_length=12), rights, settings, audit, door.bearer)
        await access.start()
        credentials = [Credential("bearer", text) for text in texts]
        await access.caller(credentials[0])  # reads the provider's keys
        misses = []
        for _ in range(2):  # the first time also makes the account
            began = time.process_time()
            for credential in credentials:
                await access.caller(credential)
            misses.append((time.process_time() - began) / KEYS * 1e6)
            rights.drop()
        for credential in credentials:
            await access.caller(credential)
        began = time.process_time()
        for text in texts:
            await door.verifier.access_token(text)
        verify = (time.process_time() - began) / KEYS * 1e6
        await access.caller(Credential("bearer", key))
        key_us, token_us = in_turn(asking(access, cookie, key), asking(access, cookie, texts[0]))
        hits = microseconds(lambda i: access.cached(credentials[i % KEYS]))
        print(f"token of {len(texts[0])} characters, RS256: check alone {verify:.0f} us")
        print(f"hit, {KEYS} tokens in turn      {hits:6.2f} us")
        print(
            f"raw headers and hit, in turn: key {key_us:.2f} us, token {token_us:.2f} us, {token_us / key_us:.2f} times"
        )
        print(f"miss, token, SQLite         {misses[1]:6.0f} us; the first time, with a new account {misses[0]:.0f} us")
        await access.stop()
        await door.stop()


async def measure(folder: Path) -> None:
    database = Database(StorageSettings(f"sqlite+aiosqlite:///{folder}/bench.db", folder))
    await migrate(database)
    clock, settings, passwords = SystemClock(), IdentitySettings(), Passwords(min_length=12)
    rights = RightsCache(clock, trust_s=600.0)  # the loop is held by the measurement, so nobody can look
    people, keys = People(database, clock, passwords, rights), Keys(database, clock, rights, settings)
    audit = Audit(database, AuditSettings(folder))
    access = Access(database, clock, passwords, rights, settings, audit)
    person, _ = await people.create(email="a@x.test", name="A", password=None, roles=("user",))
    texts = [(await keys.create(person.id, f"key {i}", 1))[1] for i in range(KEYS)]
    await access.start()
    credentials = [Credential("bearer", t) for t in texts]
    began = time.process_time()
    for credential in credentials:
        await access.caller(credential)
    miss = (time.process_time() - began) / KEYS * 1e6
    cookie = settings.cookie_name.encode()
    whole = asking(access, cookie, texts[0])
    assert all(access.cached(c) is not None for c in credentials)
    print(f"hit, {KEYS} keys in turn        {microseconds(lambda i: access.cached(credentials[i % KEYS])):6.2f} us")
    print(f"raw headers and hit         {microseconds(whole):6.2f} us")
    caller = access.cached(credentials[0])
    assert caller is not None

    def lease(_: int) -> None:
        access.leases.close(access.leases.begin(caller, sure=True))

    print(f"lease, begun and closed     {microseconds(lease):6.2f} us")
    print(f"miss, SQLite                {miss:6.0f} us")
    await access.stop()
    await measure_tokens(database, audit, rights, cookie, texts[0])
    await database.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(measure(Path(place)))
