"""Makes the firm of `canaries.py` in a running product, through its interface."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.campaigns.canaries import Firm, Shelf, Text
from tests.support.process import PASSWORD


@dataclass
class World:
    """Ids of everything that the firm consists of, in the product."""

    firm: Firm
    people: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    """How each person says who they are: half of them by session, half by key."""
    owners: list[dict[str, str]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    documents: dict[str, Text] = field(default_factory=dict)
    passages: dict[str, int] = field(default_factory=dict)
    """Passages that anybody has seen, by id, with the collection's number: others try them too."""


class Builder:
    """Makes the firm in the product."""

    def __init__(self, session: aiohttp.ClientSession, url: str, operator: dict[str, str], firm: Firm) -> None:
        self._session = session
        self._url = url
        self._operator = operator
        self.world = World(firm)

    async def call(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> Any:
        async with self._session.request(method, self._url + path, json=body, headers=headers) as reply:
            assert reply.status < 300, f"{method} {path}: {reply.status} {await reply.text()}"
            return await reply.json() if reply.content_type == "application/json" else None

    async def build(self) -> World:
        firm, world = self.world.firm, self.world
        for number in range(firm.groups):
            made = await self.call("POST", "/api/groups", self._operator, {"name": f"group {number}"})
            world.groups.append(made["id"])
        for person in range(firm.people):
            await self._person(person)
        for group, members in enumerate(firm.members):
            for person in members:
                await self.member("PUT", group, person)
        for shelf in firm.shelves:
            body = {"name": f"shelf {shelf.number}", "readers": shelf.readers(world.people, world.groups)}
            shelf.id = (await self.call("POST", "/api/collections", world.owners[shelf.owner], body))["id"]
        for text in firm.texts:
            await self._upload(text)
        await asyncio.gather(*(self._idle(shelf) for shelf in firm.shelves))
        return world

    async def member(self, method: str, group: int, person: int) -> None:
        path = f"/api/groups/{self.world.groups[group]}/members/{self.world.people[person]}"
        await self.call(method, path, self._operator)

    async def share(self, shelf: Shelf) -> None:
        body = {"readers": shelf.readers(self.world.people, self.world.groups)}
        await self.call("PATCH", f"/api/collections/{shelf.id}", self.world.owners[shelf.owner], body)

    async def _person(self, number: int) -> None:
        mail = f"person{number}@firm.test"
        made = await self.call(
            "POST", "/api/users", self._operator, {"email": mail, "name": mail, "password": PASSWORD}
        )
        self.world.people.append(made["id"])
        own = {"X-Requested-With": "appliance", "Origin": self._url}
        login = {"email": mail, "password": PASSWORD}
        async with self._session.post(f"{self._url}/auth/login", json=login, headers=own) as reply:
            assert reply.status == 200, await reply.text()
            own["Cookie"] = "; ".join(f"{c.key}={c.value}" for c in reply.cookies.values())
        self.world.owners.append(own)
        key = await self.call("POST", "/api/keys", own, {"name": "campaign", "expires_in_days": 1})
        self.world.headers.append(own if number % 2 else {"Authorization": f"Bearer {key['key']}"})

    async def _upload(self, text: Text) -> None:
        shelf, name = self.world.firm.shelves[text.shelf], f"{text.handle}.txt"
        form = aiohttp.FormData({"path": name})
        form.add_field("file", text.content(self.world.firm.chance), filename=name)
        path, headers = f"{self._url}/api/collections/{shelf.id}/documents", self.world.owners[shelf.owner]
        async with self._session.post(path, data=form, headers=headers) as reply:
            assert reply.status < 300, await reply.text()
            self.world.documents[(await reply.json())["document"]["id"]] = text

    async def _idle(self, shelf: Shelf) -> None:
        path = f"{self._url}/api/collections/{shelf.id}/progress"
        async with self._session.get(path, headers=self.world.owners[shelf.owner]) as reply:
            async for line in reply.content:
                if line.startswith(b"event: idle"):
                    return
