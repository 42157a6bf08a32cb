"""`appliance identity check`: every claim is explained with a way out, and nothing is written anywhere."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from appliance.commands.identity_check import report_on
from appliance.configuration import oidc_settings, storage_settings
from appliance.foundation import SystemClock
from appliance.identity import Passwords, People, RightsCache
from appliance.identity.oidc import OidcSettings, TokenRefused
from appliance.identity.oidc.explain import REMEDIES, explain_token
from appliance.identity.oidc.jws import json_object, take_apart
from appliance.migrations import migrate
from appliance.settings import Settings, load
from appliance.storage import Database
from tests.fakes.forge import SigningKey, signed
from tests.fakes.provider import CLIENT, SECRET, FakeProvider, providing
from tests.support.token_attacks import ROWS, World, attacks


@dataclass
class Place:
    """A data folder with a settings file, and the provider that it names."""

    provider: FakeProvider
    folder: Path

    def settings(self, **other: Any) -> None:
        secret = self.folder / "secret"
        secret.write_text(other.pop("secret", SECRET))
        secret.chmod(0o600)
        values = {
            "issuer": self.provider.issuer,
            "client_id": CLIENT,
            "client_secret_file": str(secret),
            "admitted_groups": ["/staff"],
            "timeout_s": 10.0,
            **other,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        roles = '\n[identity.oidc.role_groups]\nadministrator = ["/admins"]\n'
        (self.folder / "appliance.toml").write_text("[identity.oidc]\n" + "\n".join(lines) + roles)

    async def check(self, token: str | None = None, *options: str) -> tuple[int, str]:
        """Exit code, and what was printed."""
        words = ["identity", "check", *options]
        if token is not None:
            file = self.folder / "token"
            file.write_text(token)
            words += ["--token-file", str(file)]
        env = {k: v for k, v in os.environ.items() if not k.startswith("APPLIANCE_")}
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "appliance", *words],
            env=env | {"APPLIANCE_DATA_DIR": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    async def told(self, token: str | None = None) -> tuple[int, Any]:
        """The same in this process, since a command takes a second to begin."""
        settings = load(None, {"APPLIANCE_DATA_DIR": str(self.folder)})
        oidc = oidc_settings(settings)
        assert oidc is not None
        report = msgspec.to_builtins(await report_on(settings, oidc, token))
        failed = any(n["state"] == "failed" for n in (*report["findings"], *report["claims"]))
        return int(failed), report


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with providing(FakeProvider()) as provider:
        provider.user("ann", groups=("/staff/sales", "/admins"))
        made = Place(provider, tmp_path)
        made.settings()
        yield made


async def with_database(place: Place) -> Database:
    database = Database(storage_settings(Settings(data_dir=str(place.folder))))
    await migrate(database)
    await People(database, SystemClock(), Passwords(min_length=12), RightsCache(SystemClock())).create(
        email="first@x.test", name="F", password=None, roles=("administrator",)
    )
    return database


async def everything(database: Database) -> str:
    """What the tables of people hold, to the byte."""
    tables = ("users", "groups", "memberships", "rights_version", "sessions", "audit_events")
    async with database.engine.connect() as connection:
        rows = [(await connection.execute(text(f"SELECT * FROM {table}"))).all() for table in tables]  # noqa: S608
    return str(rows)


def states(report: Any) -> dict[str, str]:
    return {f["check"]: f["state"] for f in report["findings"]}


async def test_a_good_token_is_explained_and_nothing_is_written(place: Place) -> None:
    database = await with_database(place)
    before = await everything(database)
    token = place.provider.mint(place.provider.users["ann"])
    code, report = await place.told(token)
    assert code == 0, report
    assert set(states(report).values()) == {"ok"}
    claims = {c["claim"]: c for c in report["claims"]}
    assert set(json.loads(_payload(token))) - {"realm_access"} <= set(claims)
    assert report["admission"] | {"notes": []} == {
        "admitted": True,
        "reason": report["admission"]["reason"],
        "account": "new",
        "user_id": "",
        "address": "ann@firm.test",
        "kind": "person",
        "roles": ["administrator", "user"],
        "joined": ["/admins", "/staff/sales"],
        "left": [],
        "notes": [],
    }
    assert "/staff/sales" in report["admission"]["reason"]
    assert await everything(database) == before
    await database.close()


def _payload(token: str) -> bytes:
    piece = token.split(".")[1]
    return base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))


async def test_people_read_the_same_in_words_and_never_the_token(place: Place) -> None:
    token = place.provider.mint(place.provider.users["ann"])
    code, out = await place.check(token)
    assert code == 0, out
    code, told = await place.check(token, "--json")
    assert (code, json.loads(told)["admission"]) == (0, None)
    assert "would be let in; there is no database yet" in out
    assert not (place.folder / "appliance.db").exists(), "nothing is written"
    for secret in (token, token.split(".")[2], SECRET):
        assert secret not in out
    for word in ("audience", "azp", "identity.mode is 'local'", "RS256"):
        assert word in out


async def test_without_a_token_provider_and_settings_are_looked_at(place: Place) -> None:
    code, report = await place.told()
    assert (code, set(states(report).values())) == (0, {"ok"})
    place.settings(admitted_groups=[], secret="wrong")
    code, report = await place.told()
    assert code == 1
    assert states(report) | {"client": "failed", "admission": "warning"} == states(report)
    assert all(f["remedy"] for f in report["findings"] if f["state"] != "ok")


@pytest.mark.parametrize("fault", ["500", "garbage", "redirect", "huge", "empty"])
async def test_a_provider_that_fails_is_told_in_a_sentence(place: Place, fault: str) -> None:
    place.provider.fault = fault
    code, report = await place.told(place.provider.mint(place.provider.users["ann"]))
    assert code == 1
    assert "failed" in {states(report).get("provider"), states(report).get("keys")}


async def test_a_provider_of_another_name_is_told_both_names(place: Place) -> None:
    place.provider.issuer_claimed = "https://other.test/realms/x"
    code, report = await place.told()
    assert code == 1
    detail = next(f["detail"] for f in report["findings"] if f["check"] == "provider")
    assert place.provider.issuer in detail
    assert "https://other.test/realms/x" in detail


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "for another audience": ({"aud": "account"}, "aud", "audience mapper"),
    "of another client": ({"azp": "shop"}, "azp", "allowed_azp"),
    "over": ({"exp": 1_700_000_000, "iat": 1_699_999_000}, "exp", "new token"),
    "of a clock that is ahead": (
        {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200},
        "exp",
        "time server",
    ),
    "an ID token": ({"typ": "ID"}, "typ", "access token"),
    "of another issuer": ({"iss": "https://other.test"}, "iss", "identity.oidc.issuer"),
    "of nobody": ({"sub": None}, "sub", "basic"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_is_named_with_a_way_out(place: Place, what: str) -> None:
    other, claim, remedy = WRONG[what]
    code, report = await place.told(place.provider.mint(place.provider.users["ann"], **other))
    assert code == 1
    failed = {c["claim"]: c for c in report["claims"] if c["state"] == "failed"}
    assert set(failed) == {claim}
    assert remedy in failed[claim]["remedy"]
    assert report["admission"] is None
    assert states(report)["signature"] == "ok"


async def test_a_signature_that_does_not_hold_is_told_and_admits_nobody(place: Place) -> None:
    token = signed(
        place.provider.header(), place.provider.access_claims(place.provider.users["ann"]), SigningKey.made("first")
    )
    code, report = await place.told(token)
    assert (code, states(report)["signature"]) == (1, "failed")
    assert report["admission"] is None


async def test_groups_that_are_missing_or_no_paths_are_told(place: Place) -> None:
    for groups, word in ((None, "mapper"), (["sales"], "full group path")):
        _, report = await place.told(place.provider.mint(place.provider.users["ann"], groups=groups))
        note = next(c for c in report["claims"] if c["claim"] == "groups")
        assert note["state"] == "warning"
        assert word in note["remedy"]


async def test_every_attack_is_explained_without_breaking(place: Place) -> None:
    world = World.over(place.provider, "http://127.0.0.1:1")
    settings, count = OidcSettings(place.provider.issuer, CLIENT, step_up_acr="gold"), 0
    unexplained = 0
    for row in ROWS:
        for attack in attacks(world, row):
            count += 1
            try:
                token = take_apart(attack.token)
                raw = json_object(token.payload, "payload")
            except TokenRefused as refused:
                unexplained += refused.reason not in REMEDIES
                continue
            for note in explain_token(settings, token, raw, SystemClock().now()):
                assert note.meaning
                assert note.remedy or note.state == "ok"
    assert unexplained == 0
    print(f"{count} explained")
