"""Where a right is taken away while work goes on somewhere else: beside the gateway, or at another gateway.

`Beside` are identity parts of their own on the same database, which tell the gateway nothing. `OtherGateway` is a
second gateway, a process of its own, which is asked as people and programs ask it.
"""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from appliance.audit import Audit, AuditSettings
from appliance.foundation import SystemClock
from appliance.identity import Access, IdentitySettings, Keys, Passwords, People, PersonChange, RightsCache
from appliance.library import Collections
from appliance.storage import Database
from tests.support.gateway import PASSWORD, Client


@dataclass
class Subject:
    """Somebody with a session, a key, a group, and a collection that the group reads."""

    user_id: uuid.UUID
    key_id: uuid.UUID
    group_id: uuid.UUID
    collection_id: uuid.UUID
    browser: Client
    program: Client
    canary: str
    database: Database
    """Read by whoever wants to know how work ended that its caller may not ask about any more."""

    @property
    def token(self) -> str:
        return next(iter(self.browser.cookies.values()))

    async def aclose(self) -> None:
        await self.browser.aclose()
        await self.program.aclose()


class Elsewhere(Protocol):
    """Ways in which a right goes. Each returns when it is gone there."""

    async def disable(self, subject: Subject) -> None: ...

    async def revoke(self, subject: Subject) -> None: ...

    async def log_out(self, subject: Subject) -> None: ...

    async def leave_group(self, subject: Subject) -> None: ...

    async def unshare(self, subject: Subject) -> None: ...


class Beside:
    """Identity and library of another gateway on the same database, without its door."""

    def __init__(self, database: Database, folder: Path) -> None:
        clock, settings, passwords = SystemClock(), IdentitySettings(), Passwords(min_length=12)
        rights = RightsCache(clock)
        self._people = People(database, clock, passwords, rights)
        self._keys = Keys(database, clock, rights, settings)
        self._access = Access(database, clock, passwords, rights, settings, Audit(database, AuditSettings(folder)))
        self._collections = Collections(database, clock)

    async def disable(self, subject: Subject) -> None:
        await self._people.change(subject.user_id, PersonChange(disabled=True))

    async def revoke(self, subject: Subject) -> None:
        await self._keys.revoke(subject.user_id, subject.key_id)

    async def log_out(self, subject: Subject) -> None:
        await self._access.log_out(subject.token)

    async def leave_group(self, subject: Subject) -> None:
        await self._people.remove_member(subject.group_id, subject.user_id)

    async def unshare(self, subject: Subject) -> None:
        await self._collections.change(subject.collection_id, name=None, description=None, readers=())


class OtherGateway:
    """A gateway at another address, by an administrator and by the subject's own session there."""

    def __init__(self, url: str, administrator: Client) -> None:
        self._url = url
        self._administrator = administrator

    async def disable(self, subject: Subject) -> None:
        await self._administrator.ok("PATCH", f"/api/users/{subject.user_id}", {"disabled": True})

    async def revoke(self, subject: Subject) -> None:
        await self._as(subject, "DELETE", f"/api/keys/{subject.key_id}")

    async def log_out(self, subject: Subject) -> None:
        await self._as(subject, "POST", "/auth/logout")

    async def leave_group(self, subject: Subject) -> None:
        await self._administrator.ok("DELETE", f"/api/groups/{subject.group_id}/members/{subject.user_id}")

    async def unshare(self, subject: Subject) -> None:
        await self._administrator.ok("PATCH", f"/api/collections/{subject.collection_id}", {"readers": []})

    async def _as(self, subject: Subject, method: str, path: str) -> None:
        cookies = dict(subject.browser.cookies)
        async with door(self._url, cookies=cookies) as client:
            await client.ok(method, path)


def door(url: str, **options: Any) -> Client:
    """A browser's client at an address."""
    return Client(base_url=url, headers={"X-Requested-With": "appliance"}, timeout=60, **options)


@dataclass
class Process:
    """A gateway that is a process of its own, as `tests.support.gateway.Gateway` is one in the same loop."""

    url: str
    administrator: str
    """A key."""

    def client(self, **options: Any) -> Client:
        return Client(base_url=self.url, timeout=60, **options)

    async def operator(self) -> Client:
        return self.client(headers={"Authorization": f"Bearer {self.administrator}"})

    async def person(self, email: str, *, groups: tuple[str, ...] = ()) -> Client:
        """A new account, logged in, in these groups."""
        async with await self.operator() as operator:
            made = await operator.ok("POST", "/api/users", {"email": email, "name": email, "password": PASSWORD})
            for group in groups:
                await operator.ok("PUT", f"/api/groups/{group}/members/{made['id']}")
        client = door(self.url)
        await client.ok("POST", "/auth/login", {"email": email, "password": PASSWORD})
        return client
