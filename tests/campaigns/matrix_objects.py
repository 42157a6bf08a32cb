"""The objects that the doors are tried on: of each kind, in each relation to who asks."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from litestar import Litestar
from sqlalchemy import select

from appliance.app import Parts
from appliance.chat.models import ConversationRow, TurnRow
from appliance.identity import KeyScope
from appliance.identity.models import GroupAdministratorRow
from appliance.library.models import CollectionRow, DocumentRow, PassageRow, ReaderRow, VersionRow
from appliance.storage import Base
from tests.campaigns.matrix_subjects import Account, Crowd
from tests.support.gateway import CHAT_MODEL
from tests.support.inside import Body, Reply, call
from tests.support.process import SAMPLES

Ids = tuple[str, ...]
"""What fills the `{}` of a path, in order."""

SHELF = ("own", "user", "group", "nested", "everyone", "foreign", "missing")
OWNED = ("own", "foreign", "missing")
RELATIONS: dict[str, tuple[str, ...]] = {
    "": ("-",),
    "free": ("-",),
    **dict.fromkeys(("collection", "document", "page", "passage", "store", "store file", "store batch"), SHELF),
    **dict.fromkeys(("conversation", "turn", "key", "file", "batch", "response"), OWNED),
    **dict.fromkeys(("program", "program key"), ("own", "group", "foreign", "missing")),
    "membership": ("theirs", "other", "missing"),
    **dict.fromkeys(("group", "nesting", "model"), ("other", "missing")),
    "user": ("self", "other", "missing"),
    "limit": ("other",),
}
"""Of each kind of object: how it can stand to the caller."""

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHAT_LINE = {
    "custom_id": "a",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2},
}


class Objects:
    """Makes an object when it is asked for, and keeps it until it is used up."""

    def __init__(self, app: Litestar, parts: Parts, crowd: Crowd, stranger: Account) -> None:
        self._app = app
        self._parts = parts
        self._crowd = crowd
        self.stranger = stranger
        """Who owns what is not the caller's."""
        self._kept: dict[tuple[str, str, UUID], Ids] = {}
        self._headers: dict[UUID, dict[str, str]] = {}
        self._count = itertools.count()
        self._makers: dict[str, Callable[[str, str, Account], Awaitable[Ids]]] = {
            **dict.fromkeys((k for k, relations in RELATIONS.items() if relations is SHELF), self._shelf),
            **dict.fromkeys((k for k, relations in RELATIONS.items() if relations is OWNED), self._owned),
            **dict.fromkeys(("program", "program key"), self._program),
            "membership": self._membership,
        }

    async def prepare(self) -> None:
        """What all share: groups, and one document that was taken in."""
        people = self._parts.people
        made = [(await people.create_group(f"matrix {name}")).id for name in "abcd"]
        self.inner, self.outer, self.other, self.empty = made
        await self._parts.groups.put_inside(self.outer, self.inner)
        self.dummy = (await self._crowd.person("dummy")).id
        await self._take_in()

    async def ids(self, kind: str, relation: str, account: Account) -> Ids:
        """What the path of a call names."""
        if account.is_shut:
            account = self.stranger
        if kind not in self._makers:
            return self._plain(kind, relation, account)
        key = (kind, relation, account.id)
        if key not in self._kept:
            self._kept[key] = await self._makers[kind](kind, relation, account)
        return self._kept[key]

    def spend(self, kind: str, relation: str, account: Account) -> None:
        """It is gone; who asks next gets another."""
        self._kept.pop((kind, relation, account.id), None)

    def number(self) -> int:
        """For names that nobody else has."""
        return next(self._count)

    def _plain(self, kind: str, relation: str, account: Account) -> Ids:
        gone, other = str(uuid4()), relation != "missing"
        if kind == "user":
            return (str(account.id if relation == "self" else self.dummy) if other else gone,)
        if kind == "group":
            return (str(self.other) if other else gone,)
        if kind == "nesting":
            return (str(self.other), str(self.empty) if other else gone)
        if kind == "model":
            return (CHAT_MODEL if other else "no-such-model",)
        return (f"user:{self.dummy}" if kind == "limit" else gone, str(self.dummy))

    async def _shelf(self, kind: str, relation: str, account: Account) -> Ids:
        if relation == "missing":
            found = (uuid4(), uuid4(), uuid4())
        else:
            owner = account if relation == "own" else self.stranger
            readers = {
                "user": (f"user:{account.id}",),
                "group": (f"group:{self.inner}",),
                "nested": (f"group:{self.outer}",),
                "everyone": ("everyone",),
            }.get(relation, ())
            found = await self._copy(owner.id, readers)
        collection, document, passage = found
        store, file = f"vs_{collection.hex}", f"file-{document.hex}"
        return {
            "collection": (str(collection),),
            "document": (str(document),),
            "page": (str(document), "1"),
            "passage": (str(passage),),
            "store": (store,),
            "store file": (store, file),
            "store batch": (store, f"vsfb_{uuid4().hex}"),
        }[kind]

    async def _copy(self, owner_id: UUID, readers: tuple[str, ...]) -> tuple[UUID, UUID, UUID]:
        """A collection with the template's document: its rows, with ids of their own."""
        collection, document, version, passage = (uuid4() for _ in range(4))
        name = f"shelf {self.number()}"
        shelf, paper, state, text = self._template
        async with self._parts.database.write() as session:
            session.add(CollectionRow(**shelf | {"id": collection, "owner_id": owner_id, "name": name}))
            await session.flush()
            names = {f"user:{owner_id}", *readers}
            session.add_all(ReaderRow(collection_id=collection, principal=name) for name in sorted(names))
            pointers = {"current_version_id": version, "latest_version_id": version}
            session.add(DocumentRow(**paper | {"id": document, "collection_id": collection, **pointers}))
            await session.flush()
            session.add(VersionRow(**state | {"id": version, "document_id": document}))
            await session.flush()
            session.add(PassageRow(**text | {"id": passage, "version_id": version}))
        return collection, document, passage

    async def _owned(self, kind: str, relation: str, account: Account) -> Ids:
        if relation == "missing":
            gone = uuid4()
            prefixes = {"file": "file-", "batch": "batch_", "response": "resp_"}
            return (prefixes[kind] + gone.hex,) if kind in prefixes else (str(gone), str(uuid4()))
        owner = account if relation == "own" else self.stranger
        if kind == "key":
            return (str((await self._crowd.key(owner, KeyScope()))[0]),)
        if kind in ("conversation", "turn"):
            return await self._conversation(owner)
        return (await self._kept_thing(kind, owner),)

    async def _conversation(self, owner: Account) -> Ids:
        conversation, turn = uuid4(), uuid4()
        async with self._parts.database.write() as session:
            session.add(ConversationRow(id=conversation, user_id=owner.id, created_at=NOW, updated_at=NOW))
            await session.flush()
            row = {"ordinal": 1, "question": "?", "state": "finished", "assistant_id": "assistant", "created_at": NOW}
            session.add(TurnRow(id=turn, conversation_id=conversation, **row))
        return str(conversation), str(turn)

    async def _kept_thing(self, kind: str, owner: Account) -> str:
        if kind == "response":
            body = Body.of({"model": CHAT_MODEL, "input": "Hello"})
            return str((await self._as(owner, "POST", "/v1/responses", body)).json()["id"])
        form = Body.form(json.dumps(CHAT_LINE).encode(), "a.jsonl", purpose="batch")
        file = str((await self._as(owner, "POST", "/v1/files", form)).json()["id"])
        if kind == "file":
            return file
        asked = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        return str((await self._as(owner, "POST", "/v1/batches", Body.of(asked))).json()["id"])

    async def _program(self, kind: str, relation: str, account: Account) -> Ids:
        if relation == "missing":
            return str(uuid4()), str(uuid4())
        owners = {"own": f"user:{account.id}", "group": f"group:{self.inner}"}
        if account.is_program:
            owners["own"] = owners["group"]  # a program owns none
        owner = owners.get(relation, f"user:{self.stranger.id}")
        made = await self._parts.service_accounts.create(f"program {self.number()}", owner)
        program = Account(made.id, made.address, frozenset({"user"}), is_program=True)
        return str(made.id), str((await self._crowd.key(program, KeyScope()))[0])

    async def _membership(self, kind: str, relation: str, account: Account) -> Ids:
        if relation == "missing":
            return str(uuid4()), str(self.dummy)
        if relation == "other":
            return str(self.other), str(self.dummy)
        group = (await self._parts.people.create_group(f"matrix group {self.number()}")).id
        async with self._parts.database.write() as session:
            session.add(GroupAdministratorRow(group_id=group, user_id=account.id))
        return str(group), str(self.dummy)

    async def _as(self, account: Account, method: str, path: str, body: Body | None = None) -> Reply:
        if account.id not in self._headers:
            _, self._headers[account.id] = await self._crowd.key(account, KeyScope())
        reply = await call(self._app, method, path, self._headers[account.id], body)
        assert reply.status < 300, f"{method} {path}: {reply.status} {reply.body!r}"
        return reply

    async def _take_in(self) -> None:
        """One document through the whole pipeline; the others are copies of its rows."""
        made = (await self._as(self.stranger, "POST", "/api/collections", Body.of({"name": "template"}))).json()
        sample = next(SAMPLES.glob("*.pdf"))
        path = f"/api/collections/{made['id']}/documents"
        form = Body.form(sample.read_bytes(), sample.name, path=sample.name)
        document = UUID((await self._as(self.stranger, "POST", path, form)).json()["document"]["id"])
        version = await self._published(document)
        async with self._parts.database.read() as session:
            passages = select(PassageRow).where(PassageRow.version_id == version).order_by(PassageRow.ordinal).limit(1)
            self._template = (
                _values(await session.get_one(CollectionRow, UUID(made["id"]))),
                _values(await session.get_one(DocumentRow, document)),
                _values(await session.get_one(VersionRow, version)),
                _values((await session.scalars(passages)).one()),
            )

    async def _published(self, document: UUID) -> UUID:
        async with asyncio.timeout(120):
            while True:
                async with self._parts.database.read() as session:
                    version = (await session.get_one(DocumentRow, document)).current_version_id
                if version is not None:
                    return version
                await asyncio.sleep(0.1)


def _values(row: Base) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}
