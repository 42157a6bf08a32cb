"""What a directory that is sent over costs everybody else: `python -m tests.bench.scim_burst [--each] [--postgres]`.

Two hundred programs with a key each ask twenty times a second who they are, while eight connections of a provisioning
client make accounts as fast as they can, and then put accounts into groups and take them out. Printed are how many
callers had to be looked up in the database and how long they waited. `--each`: drop what is remembered with each
write, as a change by hand does.
"""

import argparse
import asyncio
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from appliance.audit import Audit, AuditSettings
from appliance.foundation import SystemClock, configure_logging
from appliance.identity import Access, HashCost, IdentitySettings, Keys, Passwords, People, RightsCache
from appliance.identity.credentials import Credential
from appliance.identity.scim.service import Scim
from appliance.migrations import migrate
from appliance.storage import Database, StorageSettings
from tests.support import postgres

PROGRAMS, PAUSE_S, WRITERS = 200, 0.05, 8
USER, GROUP = "urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BASE = "https://x.test"
Write = Callable[[list[str]], Coroutine[None, None, None]]


@dataclass
class Seen:
    waits_s: list[float] = field(default_factory=list)
    looked_up: int = 0

    def told(self, name: str, seconds: float, writes: int) -> str:
        spent = sorted(self.waits_s)
        p50, p95 = (1000 * spent[int(len(spent) * share)] for share in (0.5, 0.95))
        share = 100 * self.looked_up / len(spent)
        return (
            f"{name:12} {writes / seconds:6.0f} writes/s  {len(spent) / seconds:7.0f} asked/s  looked up {share:5.1f} %"
            f"  p50 {p50:8.3f} ms  p95 {p95:8.3f} ms  p100 {1000 * spent[-1]:8.1f} ms"
        )


@dataclass
class Place:
    access: Access
    scim: Scim
    rights: RightsCache
    programs: list[Credential]
    each: bool

    async def ask(self, credential: Credential, seen: Seen) -> None:
        while True:
            began = time.perf_counter()
            if self.access.cached(credential) is None:
                seen.looked_up += 1
                await self.access.caller(credential)
            seen.waits_s.append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE_S)

    async def make(self, done: list[str]) -> None:
        """Accounts."""
        while True:
            done.append(await self.account())
            self.dropped()

    async def move(self, done: list[str]) -> None:
        """An account into a group and out of it."""
        member, name = await self.account(), uuid.uuid4().hex
        group = (await self.scim.create("Groups", {"schemas": [GROUP], "displayName": name}, BASE))["id"]
        while True:
            for act in ("add", "remove"):
                change = {"op": act, "path": "members", "value": [{"value": member}]}
                await self.scim.patch("Groups", group, {"schemas": [PATCH], "Operations": [change]}, BASE, None)
                self.dropped()
                done.append(act)

    async def account(self) -> str:
        name = f"{uuid.uuid4().hex}@x.test"
        return str((await self.scim.create("Users", {"schemas": [USER], "userName": name}, BASE))["id"])

    def dropped(self) -> None:
        if self.each:
            self.rights.drop()

    async def measure(self, name: str, seconds: float, write: Write | None) -> None:
        seen, made = Seen(), list[str]()
        tasks = [asyncio.create_task(self.ask(c, seen)) for c in self.programs]
        tasks += [] if write is None else [asyncio.create_task(write(made)) for _ in range(WRITERS)]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        print(seen.told(name, seconds, len(made)), flush=True)


@asynccontextmanager
async def place(folder: Path, url: str, *, each: bool) -> AsyncIterator[Place]:
    database, clock = Database(StorageSettings(url, folder)), SystemClock()
    await migrate(database)
    rights, settings = RightsCache(clock), IdentitySettings()
    passwords = Passwords(min_length=12, cost=HashCost(passes=1, memory_kib=8, lanes=1))
    people, keys = People(database, clock, passwords, rights), Keys(database, clock, rights, settings)
    programs = []
    for number in range(PROGRAMS):
        person, _ = await people.create(email=f"p{number}@x.test", name="P", password="x" * 12, roles=())
        programs.append(Credential("bearer", (await keys.create(person.id, "k", 1))[1]))
    access = Access(database, clock, passwords, rights, settings, Audit(database, AuditSettings(folder / "audit")))
    await access.start()
    try:
        yield Place(access, Scim(database, clock, rights), rights, programs, each)
    finally:
        await access.stop()
        await database.close()


async def run(folder: Path, url: str, seconds: float, *, each: bool) -> None:
    configure_logging("error")
    async with place(folder, url, each=each) as made:
        await made.measure("nobody writes", seconds, None)
        await made.measure("new accounts", seconds, made.make)
        await made.measure("members", seconds, made.move)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--postgres", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pma-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        url = f"sqlite+aiosqlite:///{folder}/appliance.db"
        if asked.postgres:
            made = postgres.new_database(stack.enter_context(postgres.server(folder / "pg")))
            url = made.replace("postgresql://", "postgresql+psycopg://", 1)
        asyncio.run(run(folder, url, asked.seconds, each=asked.each))


if __name__ == "__main__":
    main()
