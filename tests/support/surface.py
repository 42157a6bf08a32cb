"""Everything that can be called, read off the application itself, with things that exist behind each address."""

import asyncio
import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from appliance.app import build_app
from appliance.library.models import VersionRow
from appliance.storage import Base, Database
from tests.support.gateway import CHAT_MODEL, PASSWORD, Client, Gateway
from tests.support.policies import FRAMEWORK, declared

BOOKKEEPING = {
    "audit_events": (),
    "sessions": ("seen_at",),
    "api_keys": ("last_used_at",),
}
"""What a request may write without anybody calling that a change: its own record, and when something was used. Empty:
the whole table."""
RULES = b"# Rules\n\nThe company pays 130 euros per night for a hotel.\n"


@dataclass(frozen=True, slots=True)
class Call:
    """One address with one method, filled in."""

    method: str
    template: str
    path: str
    public: bool

    @property
    def changes(self) -> bool:
        """Whether its method may change anything."""
        return self.method not in ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class World:
    """An administrator in a browser, and something of each kind."""

    gateway: Gateway
    chief: Client
    ids: Mapping[str, str]

    def calls(self) -> list[Call]:
        """Every route, and the framework's own, with things that exist."""
        app = build_app(self.gateway.parts)
        found = [Call(d.method, d.path, fill(d.path, self.ids), d.policy.public) for d in declared(app)]
        own = sorted(r.path for r in app.routes if r.path.startswith(FRAMEWORK))
        return found + [Call("GET", path, fill(path, self.ids), public=False) for path in own]


def fill(template: str, ids: Mapping[str, str]) -> str:
    """The address with an id for each parameter; where we made nothing, one that nothing has."""
    return re.sub(r"\{(\w+):\w+\}", lambda found: ids.get(found[1], str(uuid.uuid4())), template)


async def furnish(gateway: Gateway) -> World:
    """Make one of each thing that an address can name."""
    name = f"w-{uuid.uuid4().hex[:12]}"
    async with await gateway.operator() as operator:
        account = {"email": f"{name}@x.test", "name": name, "password": PASSWORD, "roles": ["user", "administrator"]}
        me = await operator.ok("POST", "/api/users", account)
    chief = await gateway.logged_in(str(account["email"]), PASSWORD)
    ids = {"user_id": me["id"], "who": f"user:{me['id']}", "model_id": CHAT_MODEL, "page": "1", "rest": "x"}
    ids |= {"name": "index.js", "path": "openapi.json"}
    for parameter in ("group_id", "inner_id"):
        ids[parameter] = (await chief.ok("POST", "/api/groups", {"name": f"{name}-{parameter}"}))["id"]
    program = {"name": name, "owner": {"kind": "user", "id": me["id"]}}
    ids["account_id"] = (await chief.ok("POST", "/api/service-accounts", program))["id"]
    ids["key_id"] = (await chief.ok("POST", "/api/keys", {"name": name, "expires_in_days": 1}))["id"]
    ids |= await _knowledge(chief, name) | await _programs(chief)
    async with asyncio.timeout(60):
        while (await chief.ok("GET", f"/v1/batches/{ids['batch_id']}"))["status"] != "completed":
            await asyncio.sleep(0.1)
        await _rest(gateway)
    return World(gateway, chief, ids)


async def _rest(gateway: Gateway) -> None:
    """Wait until nothing writes by itself: what earlier tests left in work, and the sweep of what they deleted."""
    unfinished = select(VersionRow.id).where(VersionRow.state.in_(("queued", "processing"))).limit(1)
    left: object = True
    while left:
        while await gateway.parts.jobs._ingest.sweep():
            pass
        async with gateway.parts.database.read() as session:
            left = await session.scalar(unfinished)
        await asyncio.sleep(0.1)


async def _knowledge(chief: Client, name: str) -> dict[str, str]:
    ids = {"collection_id": await chief.collection(name)}
    ids["document_id"] = (await chief.upload(ids["collection_id"], "rules.md", RULES))["document"]["id"]
    await chief.until_idle(ids["collection_id"])
    asked = {"query": "hotel", "collection_ids": [ids["collection_id"]]}
    ids["passage_id"] = (await chief.ok("POST", "/api/search", asked))["items"][0]["passage_id"]
    ids["conversation_id"] = (await chief.ok("POST", "/api/conversations", {}))["id"]
    await chief.events("POST", f"/api/conversations/{ids['conversation_id']}/turns", {"question": "Hello?"})
    kept = await chief.ok("GET", f"/api/conversations/{ids['conversation_id']}")
    return {**ids, "turn_id": kept["turns"][0]["id"]}


async def _programs(chief: Client) -> dict[str, str]:
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions"}
    line["body"] = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}  # type: ignore[assignment] # one line of JSON
    sent = {"file": ("in.jsonl", json.dumps(line).encode())}
    file_id = (await chief.post("/v1/files", files=sent, data={"purpose": "batch"})).json()["id"]
    wish = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    asked = {"model": CHAT_MODEL, "input": "Hi", "max_output_tokens": 4}
    return {
        "file_id": file_id,
        "batch_id": (await chief.ok("POST", "/v1/batches", wish))["id"],
        "store_id": (await chief.ok("POST", "/v1/vector_stores", {"name": "s"}))["id"],
        "response_id": (await chief.ok("POST", "/v1/responses", asked))["id"],
    }


async def checksum(database: Database) -> dict[str, str]:
    """Of each table, without what is only bookkeeping: two that are equal mean that nothing was changed."""
    found = {}
    async with database.read() as session:
        for table in Base.metadata.sorted_tables:
            left_out = BOOKKEEPING.get(table.name)
            if left_out == () or table.name.startswith("usage"):
                continue
            columns = [c for c in table.columns if c.name not in (left_out or ())]
            rows = (await session.execute(select(*columns))).all()
            text = "\n".join(sorted(repr(tuple(row)) for row in rows))
            found[table.name] = hashlib.sha256(text.encode()).hexdigest()
    return found


def differs(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Tables that are not as they were."""
    return [name for name, digest in after.items() if before.get(name) != digest]
