"""People of an LDAP directory, by Keycloak's federation: their groups count, and what the directory takes is gone."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.sso.conftest import PASSWORD, REALM, ROUND_S, Firm, Tab
from tests.sso.test_revocation import CANARY, as_client, sees, until
from tests.support import ldap
from tests.support.gateway import Client
from tests.support.ldap import Ldap

SECONDS = 60.0
"""Longest that anything here may take: a renewal (15 s), Keycloak's own cache (5 s), and a round (10 s)."""


@pytest.fixture(scope="module")
def directory(firm: Firm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ldap]:
    """Joined to the realm; its groups are groups inside `/staff`."""
    with ldap.directory(tmp_path_factory.mktemp("ldap") / "d") as running:
        running.person("keeper", PASSWORD)  # a group of LDAP must have a member
        for group in ("council", "drivers"):
            running.group(group, "keeper")
        with ldap.federated(firm.admin, REALM, running, "/staff"):
            yield running


async def council_papers(firm: Firm, name: str) -> None:
    """A document that only the directory's council may read."""
    async with await firm.gateway.operator() as operator:
        groups = {g["name"]: g["id"] for g in await operator.ok("GET", "/api/groups")}
        collection = await operator.collection(name, [{"kind": "group", "id": groups["/staff/council"]}])
        await operator.upload(collection, "canary.md", f"# Council\n\n{CANARY}\n".encode())
        await operator.until_idle(collection)


async def test_groups_of_ldap_count_and_leaving_one_takes_its_passages(
    firm: Firm, tab: Tab, directory: Ldap, name: str
) -> None:
    directory.person(name, PASSWORD)
    directory.join("council", name)
    await tab.log_in(name)
    async with await as_client(firm, tab) as browser:
        me = await browser.ok("GET", "/api/me")
        assert (me["email"], [g["name"] for g in me["groups"]]) == (f"{name}@firm.test", ["/staff/council"])
        key = (await browser.ok("POST", "/api/keys", {"name": "k", "expires_in_days": 1}))["key"]
        await council_papers(firm, f"papers {name}")
        async with firm.gateway.client(headers={"Authorization": f"Bearer {key}"}) as program:
            assert await sees(browser)
            assert await sees(program)
            await asyncio.to_thread(directory.join, "drivers", name)
            await asyncio.to_thread(directory.leave, "council", name)
            left_s = await until(lambda: _not(browser), SECONDS, "the passages are gone")
            assert not await sees(program), "the same account"
            print(f"group left in LDAP → passages unreachable: {left_s:.1f} s")
            assert [g["name"] for g in (await browser.ok("GET", "/api/me"))["groups"]] == ["/staff/drivers"]
            await asyncio.to_thread(directory.join, "council", name)
            joined_s = await until(lambda: sees(browser), SECONDS, "the passages are there again")
            print(f"group joined in LDAP → passages found: {joined_s:.1f} s")


async def test_somebody_who_left_the_firm_has_no_key_either(firm: Firm, tab: Tab, directory: Ldap, name: str) -> None:
    """Nobody uses the session any more: only the round finds out."""
    directory.person(name, PASSWORD)
    directory.join("council", name)
    await tab.log_in(name)
    async with await as_client(firm, tab) as browser:
        key = (await browser.ok("POST", "/api/keys", {"name": "k", "expires_in_days": 1}))["key"]
        await browser.ok("POST", "/auth/logout")
    async with firm.gateway.client(headers={"Authorization": f"Bearer {key}"}) as program:
        assert (await program.get("/v1/models")).status_code == 200
        await asyncio.to_thread(directory.leave, "council", name)
        await asyncio.to_thread(directory.remove, name)
        took = await until(lambda: _is_out(program), SECONDS, "the key is dead")
        print(f"removed from LDAP, no session → key dead: {took:.1f} s, with a round of {ROUND_S:.0f} s")


async def _not(client: Client) -> bool:
    return not await sees(client)


async def _is_out(client: Client) -> bool:
    return (await client.get("/v1/models")).status_code == 401
