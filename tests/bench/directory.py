"""What a large directory costs: `python -m tests.bench.directory [--users 50000] [--groups 5000] [--postgres]`.

Groups are a tree six deep; each account is in five of them. Printed are p50 and p95, in milliseconds on the wall, of a
login that changes nothing, of a first login, of reading a principal with the closure of its groups, and of the query
that turns such a principal into the collections it may read, with one collection per group. Beside the closure as it
is read now stands the same one from a table of closures, which the product does not have, and what moving a group with
all inside it would rewrite in that table.
"""

import argparse
import asyncio
import random
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Column, MetaData, Table, Uuid, func, insert, select

from appliance.foundation import SystemClock
from appliance.identity import Accounts, AdmissionRules, ExternalIdentity, RightsCache
from appliance.identity.directory.closure import closure_of
from appliance.identity.lookup import read_principal
from appliance.identity.models import GroupParentRow, GroupRow, MembershipRow, UserRow
from appliance.library import Shelf
from appliance.library.models import CollectionRow, ReaderRow
from appliance.migrations import migrate
from appliance.storage import Database, StorageSettings
from tests.bench.metrics import percentile
from tests.support import postgres

ISSUER, WIDTH, OWN, CALLS, FIRST = "https://idp.test", 6, 5, 300, 50
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def tree(count: int) -> list[str]:
    """Paths, parents before children: each group has six inside it."""
    paths = ["/firm"]
    for number in range(1, count):
        paths.append(f"{paths[(number - 1) // WIDTH]}/g{number}")
    return paths


async def fill(database: Database, users: int, paths: list[str], seed: random.Random) -> list[tuple[str, list[str]]]:
    """Everybody with their groups; the subjects and paths of each."""
    ids = {path: uuid.uuid4() for path in paths}
    people = [(uuid.uuid4(), f"s{n}", seed.sample(paths[1:], OWN)) for n in range(users)]
    groups = [
        {"id": ids[p], "name": p[-190:] + f" {n}", "created_at": NOW, "source": "oidc", "path": p}
        for n, p in enumerate(paths)
    ]
    parents = [{"group_id": ids[p], "parent_id": ids[p.rpartition("/")[0]]} for p in paths[1:]]
    accounts = [
        {
            "id": key,
            "email": f"{subject}@x.test",
            "name": "A",
            "roles": "user",
            "password_hash": "",
            "created_at": NOW,
            "kind": "person",
            "provisioned_by": "oidc",
            "issuer": ISSUER,
            "subject": subject,
        }
        for key, subject, _ in people
    ]
    members = [{"group_id": ids[p], "user_id": key} for key, _, own in people for p in own]
    async with database.engine.begin() as connection:
        for model, rows in (
            (GroupRow, groups),
            (GroupParentRow, parents),
            (UserRow, accounts),
            (MembershipRow, members),
        ):
            await connection.execute(insert(model), rows)
    await shelve(database, people[0][0], ids)
    return [(subject, own) for _, subject, own in people]


async def shelve(database: Database, owner: uuid.UUID, ids: dict[str, uuid.UUID]) -> None:
    """A collection for each group, which reads it."""
    shelves = [
        {
            "id": uuid.uuid4(),
            "name": p[-190:] + f" {n}",
            "alive": "",
            "description": "",
            "owner_id": owner,
            "embedding_model": "m",
            "dimension": 1,
            "query_prefix": "",
            "passage_prefix": "",
            "max_tokens": 1,
            "created_at": NOW,
        }
        for n, p in enumerate(ids)
    ]
    readers = [{"collection_id": s["id"], "principal": f"group:{ids[p]}"} for s, p in zip(shelves, ids, strict=True)]
    async with database.engine.begin() as connection:
        await connection.execute(insert(CollectionRow), shelves)
        await connection.execute(insert(ReaderRow), readers)


CLOSURE = Table(
    "bench_closure",
    MetaData(),
    Column("group_id", Uuid, primary_key=True),
    Column("ancestor_id", Uuid, primary_key=True),
)
"""Each group with itself and all around it: what a table of closures would hold."""


async def fill_closure(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(CLOSURE.metadata.create_all)
        parents = {row.group_id: row.parent_id for row in await connection.execute(select(GroupParentRow.__table__))}
        rows, ids = [], [key for (key,) in await connection.execute(select(GroupRow.id))]
        for group in ids:
            above: uuid.UUID | None = group
            while above is not None:
                rows.append({"group_id": group, "ancestor_id": above})
                above = parents.get(above)
        await connection.execute(insert(CLOSURE), rows)
    print(f"a table of closures: {len(rows)} rows for {len(ids)} groups")


async def from_table(database: Database, user_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """The groups that count for an account, from the table of closures."""
    query = select(CLOSURE.c.ancestor_id).join(MembershipRow, MembershipRow.group_id == CLOSURE.c.group_id)
    async with database.read() as session:
        return frozenset(await session.scalars(query.where(MembershipRow.user_id == user_id)))


async def by_query(database: Database, user_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """The same, as the product reads it."""
    async with database.read() as session:
        return await closure_of(session, user_id)


async def rewritten(database: Database) -> str:
    """How many rows of the table change when a group of the second level moves with all inside it."""
    async with database.read() as session:
        top = select(GroupRow.id).where(GroupRow.path == "/firm/g1").scalar_subquery()
        inside = select(CLOSURE.c.group_id).where(CLOSURE.c.ancestor_id == top)
        moved = await session.scalar(select(func.count()).select_from(inside.subquery()))
        rows = await session.scalar(select(func.count()).select_from(CLOSURE).where(CLOSURE.c.group_id.in_(inside)))
    return f"moving /firm/g1: {moved} groups, {rows} rows of the table, 1 row of group_parents"


async def compare_closures(database: Database, keys: Sequence[uuid.UUID]) -> None:
    await fill_closure(database)
    assert await from_table(database, keys[0]) == await by_query(database, keys[0])
    for _ in range(2):  # in turn, so that neither has the warmer caches
        await timed("closure by the recursive query", len(keys), lambda n: by_query(database, keys[n]))
        await timed("closure from a table", len(keys), lambda n: from_table(database, keys[n]))
    print(await rewritten(database))


async def timed(name: str, calls: int, call: Callable[[int], Awaitable[object]]) -> None:
    times = []
    for number in range(calls):
        began = time.perf_counter()
        await call(number)
        times.append((time.perf_counter() - began) * 1000)
    print(
        f"{name:32} n={calls:4} p50 {percentile(times, 0.5):7.2f} ms  p95 {percentile(times, 0.95):7.2f} ms", flush=True
    )


async def measure(url: str, folder: Path, users: int, groups: int) -> None:
    database, clock, seed = Database(StorageSettings(url, folder)), SystemClock(), random.Random(1)
    await migrate(database)
    people = await fill(database, users, tree(groups), seed)
    print(f"{users} accounts, {groups} groups, {users * OWN} memberships, {database.url.partition(':')[0]}")
    accounts = Accounts(database, clock, RightsCache(clock), AdmissionRules(frozenset({"/firm"})))
    asked = seed.sample(people, CALLS)

    def who(number: int, suffix: str = "") -> ExternalIdentity:
        subject, own = asked[number]
        return ExternalIdentity(ISSUER, subject + suffix, f"{subject}{suffix}@x.test", True, "A", frozenset(own))

    keys = [await accounts.admit(who(n)) for n in range(CALLS)]
    await timed("login, nothing new", CALLS, lambda n: accounts.admit(who(n)))
    await timed("first login", FIRST, lambda n: accounts.admit(who(n, "-new")))
    found = []

    async def principal(number: int) -> None:
        async with database.read() as session:
            read = await read_principal(session, keys[number], "session")
        assert read is not None
        found.append(read)

    await timed("principal with its closure", CALLS, principal)
    counted = sorted(len(p.group_ids) for p in found)
    print(f"groups that count for one: median {counted[len(counted) // 2]}, most {counted[-1]}")
    shelf = Shelf(database)
    await timed("collections that it may read", CALLS, lambda n: shelf.readable(found[n].scope(), None))
    await compare_closures(database, keys)
    await database.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--groups", type=int, default=5000)
    parser.add_argument("--postgres", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pma-") as place:
        folder = Path(place)
        if not asked.postgres:
            asyncio.run(measure(f"sqlite+aiosqlite:///{folder}/bench.db", folder, asked.users, asked.groups))
            return
        with postgres.server(folder / "pg") as server:
            url = postgres.new_database(server).replace("postgresql://", "postgresql+psycopg://", 1)
            asyncio.run(measure(url, folder, asked.users, asked.groups))


if __name__ == "__main__":
    main()
