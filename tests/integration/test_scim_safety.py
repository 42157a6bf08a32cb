"""What a provisioning client may not do: leave nobody who can manage the appliance, or slow down everybody else."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from appliance.foundation import SystemClock
from appliance.identity import Passwords, People, PersonChange, RightsCache
from appliance.identity.models import RightsVersionRow
from appliance.identity.scim.errors import ScimRefused
from appliance.identity.scim.service import Scim
from appliance.storage import Database, StorageSettings
from tests.support.databases import Databases
from tests.support.gateway import QUICK_HASH

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BASE = "https://x.test/scim/v2"
SHUT = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]}


@dataclass
class Firm:
    """An appliance of its own, with nobody in it."""

    scim: Scim
    people: People
    rights: RightsCache
    database: Database

    async def version(self) -> int:
        """The database's count of changes of rights."""
        async with self.database.read() as session:
            return int(await session.scalar(select(RightsVersionRow.version)) or 0)

    async def provisioned(self, *roles: Any) -> uuid.UUID:
        made = await self.scim.create("Users", {"schemas": [USER], "userName": f"{uuid.uuid4().hex}@x.test"}, BASE)
        user_id = uuid.UUID(made["id"])
        if roles:
            await self.people.change(user_id, PersonChange(roles=frozenset(roles)))
        return user_id

    async def administrator(self) -> uuid.UUID:
        made, _ = await self.people.create(
            email=f"{uuid.uuid4().hex}@x.test", name="A", password="x" * 12, roles=("administrator",)
        )
        return made.id


@pytest.fixture
async def firm(databases: Databases, tmp_path: Path) -> AsyncIterator[Firm]:
    clock = SystemClock()
    rights = RightsCache(clock)
    database = Database(StorageSettings(databases.new(tmp_path / "firm"), tmp_path))
    people = People(database, clock, Passwords(min_length=12, cost=QUICK_HASH), rights)
    yield Firm(Scim(database, clock, rights), people, rights, database)
    await database.close()


async def test_the_last_administrator_is_neither_shut_nor_removed(firm: Firm) -> None:
    local = await firm.administrator()
    chief = await firm.provisioned("user", "administrator")
    await firm.people.change(local, PersonChange(disabled=True))
    for act in ("patch", "replace", "delete"):
        with pytest.raises(ScimRefused, match="break-glass") as refused:
            await shut(firm, act, chief)
        assert (refused.value.code, refused.value.status) == ("scim_mutability", 400)
        assert not (await firm.people.get(chief)).disabled
        assert (await firm.scim.one("Users", str(chief), {}, BASE))["active"] is True
    await firm.people.change(local, PersonChange(disabled=False))
    await shut(firm, "patch", chief)
    assert (await firm.people.get(chief)).disabled
    await shut(firm, "delete", chief)


async def shut(firm: Firm, act: str, user_id: uuid.UUID) -> None:
    if act == "delete":
        await firm.scim.delete("Users", str(user_id), BASE, None)
    elif act == "patch":
        await firm.scim.patch("Users", str(user_id), SHUT, BASE, None)
    else:
        whole = {**await firm.scim.one("Users", str(user_id), {}, BASE), "active": False}
        await firm.scim.replace("Users", str(user_id), whole, BASE, None)


async def test_a_directory_that_is_sent_over_drops_nothing_until_somebody_is_shut(firm: Firm) -> None:
    """What it changes is counted by the database, which every gateway looks at once a second."""
    await firm.administrator()
    generation, version = firm.rights.generation, await firm.version()
    users = [await firm.provisioned() for _ in range(5)]
    assert await firm.version() == version, "a new account takes nothing from anybody"
    body = {"schemas": [GROUP], "displayName": "Law", "members": [{"value": str(user)} for user in users]}
    group = await firm.scim.create("Groups", body, BASE)
    assert await firm.version() > version
    remove = {"schemas": [PATCH], "Operations": [{"op": "remove", "path": "members"}]}
    version = await firm.version()
    await firm.scim.patch("Groups", group["id"], remove, BASE, None)
    assert await firm.version() > version
    assert firm.rights.generation == generation
    await shut(firm, "patch", users[0])
    assert firm.rights.generation == generation + 1
    await shut(firm, "delete", users[1])
    assert firm.rights.generation == generation + 2


async def test_what_shuts_nobody_is_not_held_up_by_that(firm: Firm) -> None:
    await firm.administrator()
    chief, user = await firm.provisioned("user", "administrator"), await firm.provisioned()
    rename = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "Ann"}]}
    for one in (chief, user):
        await firm.scim.patch("Users", str(one), rename, BASE, None)
    await shut(firm, "patch", user)
    assert (await firm.people.get(user)).disabled
