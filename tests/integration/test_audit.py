"""The audit of a running gateway: nothing that was done is missing or there twice, and nothing secret is in it."""

import asyncio
import json
import uuid
from collections import Counter
from contextlib import aclosing
from typing import Any

from sqlalchemy import select, text

from appliance.audit.canonical import chained, details_text
from appliance.audit.models import AuditEventRow
from appliance.audit.verify import verify
from tests.support.clocks import HANGS_S
from tests.support.gateway import CHAT_MODEL, PASSWORD, Client, Gateway

CANARY = "CNRY-audit-7f3a9c"
"""In prompts, documents and names; never in the audit."""


class Journal:
    """What a client did, as it was answered; held against the audit afterwards."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    def note(self, action: str, thing: str) -> None:
        self.done.append((action, thing))


async def head(gateway: Gateway) -> int:
    async with gateway.parts.database.read() as session:
        return await session.scalar(select(AuditEventRow.seq).order_by(AuditEventRow.seq.desc()).limit(1)) or 0


async def since(gateway: Gateway, seq: int) -> list[AuditEventRow]:
    async with gateway.parts.database.read() as session:
        return list(
            await session.scalars(select(AuditEventRow).where(AuditEventRow.seq > seq).order_by(AuditEventRow.seq))
        )


async def account(client: Client) -> str:
    return f"user:{(await client.ok('GET', '/api/me'))['id']}"


async def administer(operator: Client, journal: Journal, name: str) -> None:
    """Everything that administrators do."""
    made = await operator.ok("POST", "/api/users", {"email": f"{name}@x.test", "name": CANARY, "password": PASSWORD})
    user = f"user:{made['id']}"
    journal.note("user.created", user)
    for change, action in (
        ({"name": f"{CANARY} again"}, "user.changed"),
        ({"roles": ["user", "auditor"]}, "user.roles_changed"),
        ({"disabled": True}, "user.disabled"),
        ({"disabled": False}, "user.enabled"),
        ({"password": PASSWORD + "!"}, "user.password_reset"),
    ):
        await operator.ok("PATCH", f"/api/users/{made['id']}", change)
        journal.note(action, user)
    group = (await operator.ok("POST", "/api/groups", {"name": f"group {name}"}))["id"]
    journal.note("group.created", f"group:{group}")
    await operator.ok("PUT", f"/api/groups/{group}/members/{made['id']}")
    await operator.ok("PUT", f"/api/groups/{group}/members/{made['id']}")  # again: no act
    journal.note("group.member_added", f"group:{group}")
    await operator.ok("DELETE", f"/api/groups/{group}/members/{made['id']}")
    await operator.ok("DELETE", f"/api/groups/{group}/members/{made['id']}")
    journal.note("group.member_removed", f"group:{group}")
    owner = {"kind": "user", "id": made["id"]}
    program = (await operator.ok("POST", "/api/service-accounts", {"name": f"svc {name}", "owner": owner}))["id"]
    journal.note("service_account.created", f"user:{program}")
    await operator.ok("PATCH", f"/api/service-accounts/{program}", {"disabled": True})
    journal.note("service_account.disabled", f"user:{program}")
    await operator.ok("PUT", f"/api/limits/{user}", {"requests_per_day": 1000})
    journal.note("limits.changed", user)
    await operator.ok("DELETE", f"/api/limits/{user}")
    journal.note("limits.changed", user)
    await operator.ok("GET", "/api/usage/report?by=user")
    journal.note("usage.exported", "")


async def own_things(person: Client, journal: Journal, name: str) -> None:
    """Everything that people do with keys, collections and documents."""
    made = await person.ok("POST", "/api/keys", {"name": CANARY, "expires_in_days": 1})
    key = f"key:{made['id']}"
    journal.note("key.created", key)
    await person.ok("POST", f"/api/keys/{made['id']}/rotate", {})
    journal.note("key.rotated", key)
    await person.ok("DELETE", f"/api/keys/{made['id']}")
    journal.note("key.revoked", key)
    collection_id = await person.collection(f"{CANARY} {name}")
    collection = f"collection:{collection_id}"
    journal.note("collection.created", collection)
    await person.ok("PATCH", f"/api/collections/{collection_id}", {"description": CANARY})
    journal.note("collection.changed", collection)
    await person.ok("PATCH", f"/api/collections/{collection_id}", {"readers": [{"kind": "everyone"}]})
    journal.note("collection.readers_changed", collection)
    uploaded = await person.upload(collection_id, f"{CANARY}.txt", f"The {CANARY} costs 12 euro.\n".encode())
    document = uploaded["document"]["id"]
    journal.note("document.uploaded", f"document:{document}")
    await person.until_idle(collection_id)
    await person.ok("GET", f"/api/documents/{document}/pages/1")
    journal.note("document.read", f"document:{document}")
    assert (await person.get(f"/api/documents/{document}/file")).status_code == 200
    journal.note("document.downloaded", f"document:{document}")
    found = await person.ok("POST", "/api/search", {"query": f"{CANARY} costs", "limit": 3})
    journal.note("search.asked", "")
    for item in found["items"]:
        await person.ok("GET", f"/api/passages/{item['passage_id']}")
        journal.note("document.read", f"document:{item['document']['id']}")
    await person.ok("DELETE", f"/api/documents/{document}")
    journal.note("document.deleted", f"document:{document}")
    await person.ok("DELETE", f"/api/collections/{collection_id}")
    journal.note("collection.deleted", collection)


async def test_every_act_is_there_once_and_no_other(running_gateway: Gateway) -> None:
    journal, name = Journal(), uuid.uuid4().hex[:8]
    before = await head(running_gateway)
    person = await running_gateway.person(f"acts-{name}@x.test")
    who = await account(person)
    journal.note("user.created", who)
    journal.note("login.succeeded", who)
    async with aclosing(person), await running_gateway.operator() as operator:
        await administer(operator, journal, name)
        await own_things(person, journal, name)
        await person.ok("POST", "/api/me/password", {"current": PASSWORD, "new": PASSWORD + "?"})
        journal.note("password.changed", who)
        await person.ok("POST", "/auth/logout")
        journal.note("session.ended", who)
    rows = [row for row in await since(running_gateway, before) if row.action not in ("model.called", "audit.read")]
    found = Counter((row.action, row.object) for row in rows)
    wanted = Counter(journal.done)
    assert wanted - found == Counter(), "missing in the audit"
    assert found - wanted == Counter(), "in the audit, but never done"
    print(f"{len(journal.done)} acts, missing 0, phantom 0")
    for row in rows:
        whole = " ".join(str(getattr(row, c.name)) for c in AuditEventRow.__table__.columns)
        assert CANARY not in whole
        assert PASSWORD not in whole
        assert "pma_" not in whole
        assert row.source == "127.0.0.1"
        assert row.request_id
        assert row.actor.startswith("user:")


async def test_refused_requests_are_events(running_gateway: Gateway) -> None:
    before = await head(running_gateway)
    person = await running_gateway.person(f"denied-{uuid.uuid4().hex}@x.test")
    stranger = running_gateway.client()
    async with aclosing(person), stranger:
        who = await account(person)
        foreign = uuid.uuid4()
        assert (await person.get("/api/users")).status_code == 403
        assert (await person.get(f"/api/documents/{foreign}")).status_code == 404
        assert (await stranger.get("/api/me")).status_code == 401
        bad = {"Authorization": f"Bearer pma_{'a' * 8}_{'b' * 43}_{'c' * 6}"}
        assert (await stranger.get("/v1/models", headers=bad)).status_code == 401
        wrong = {"email": f"{CANARY}@x.test", "password": CANARY}
        assert (await stranger.post("/auth/login", json=wrong)).status_code == 401
    rows = [row for row in await since(running_gateway, before) if row.outcome != "done"]
    told = [(row.action, row.actor, row.object, json.loads(row.details).get("status")) for row in rows]
    assert told == [
        ("access.denied", who, "route:GET /api/users", 403),
        ("access.denied", who, "route:GET /api/documents/{document_id}", 404),
        ("access.denied", "anonymous", "route:GET /api/me", 401),
        ("access.denied", "anonymous", "route:GET /v1/models", 401),
        ("login.failed", "anonymous", "", None),
    ]
    assert json.loads(rows[1].details)["path"] == f"/api/documents/{foreign}"
    assert json.loads(rows[4].details)["address"] == running_gateway.parts.audit.masked(f"{CANARY}@x.test")
    assert not any(CANARY in row.details for row in rows)


async def test_a_flood_of_refusals_is_counted(running_gateway: Gateway) -> None:
    before = await head(running_gateway)
    async with running_gateway.client() as stranger:
        for _ in range(120):
            assert (await stranger.get("/api/keys")).status_code == 401
    await running_gateway.parts.audit.denials.tend(everything=True)
    rows = [row for row in await since(running_gateway, before) if row.object == "route:GET /api/keys"]
    assert len(rows) < 30
    assert sum(json.loads(row.details).get("attempts", 1) for row in rows) == 120


async def test_every_request_to_a_model_is_in_it_once(running_gateway: Gateway) -> None:
    before = await head(running_gateway)
    person = await running_gateway.person(f"calls-{uuid.uuid4().hex}@x.test")
    who = await account(person)
    client = await running_gateway.with_key(person)
    ids = [f"audit-{uuid.uuid4().hex}" for _ in range(250)]
    body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": CANARY}]}

    async def ask(request_id: str) -> int:
        reply = await client.post("/v1/chat/completions", json=body, headers={"x-request-id": request_id})
        return reply.status_code

    async with aclosing(person), client:
        assert set(await asyncio.gather(*(ask(request_id) for request_id in ids))) == {200}
        await running_gateway.parts.usage.ledger.flush()
    rows = [row for row in await since(running_gateway, before) if row.action == "model.called" and row.actor == who]
    found: Counter[str] = Counter()
    for row in rows:
        details = json.loads(row.details)
        found.update(details.get("request_ids") or [row.request_id])
        assert row.object == f"model:{CHAT_MODEL}"
        assert details["via"].startswith("key:")
        assert CANARY not in row.details
    assert found == Counter(ids)
    print(f"{len(ids)} requests in {len(rows)} events, missing 0, twice 0")


async def test_an_act_is_refused_when_its_event_cannot_be_written(running_gateway: Gateway) -> None:
    database = running_gateway.parts.database
    blocked = (
        "CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'full'); END"
        if database.is_sqlite
        else "ALTER TABLE audit_events RENAME TO audit_events_away"
    )
    opened = "DROP TRIGGER full" if database.is_sqlite else "ALTER TABLE audit_events_away RENAME TO audit_events"
    name = f"blocked {uuid.uuid4().hex}"
    async with await running_gateway.operator() as operator:
        async with database.engine.begin() as connection:
            await connection.execute(text(blocked))
        try:
            reply = await operator.post("/api/groups", json={"name": name})
            assert reply.status_code == 503
            assert reply.json()["error"]["code"] == "audit_unwritable"
            assert "Nothing was changed" in reply.json()["error"]["remedy"]
            assert (await operator.get("/api/groups")).status_code == 200
        finally:
            async with database.engine.begin() as connection:
                await connection.execute(text(opened))
        assert name not in [group["name"] for group in await operator.ok("GET", "/api/groups")]
        await operator.ok("POST", "/api/groups", {"name": name})  # and it recovers


async def test_two_acts_at_once_never_wait_for_each_other_for_ever(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as operator:
        made = [await operator.ok("POST", "/api/groups", {"name": f"g {uuid.uuid4().hex}"}) for _ in range(4)]
        user = await operator.ok("POST", "/api/users", {"email": f"{uuid.uuid4().hex}@x.test", "name": "x"})

        async def toggle(group: dict[str, Any]) -> None:
            for _ in range(8):
                await operator.ok("PUT", f"/api/groups/{group['id']}/members/{user['id']}")
                await operator.ok("PATCH", f"/api/users/{user['id']}", {"name": uuid.uuid4().hex})
                await operator.ok("DELETE", f"/api/groups/{group['id']}/members/{user['id']}")

        async with asyncio.timeout(HANGS_S):
            await asyncio.gather(*(toggle(group) for group in made))
    report = await verify(running_gateway.parts.database, [running_gateway.parts.settings.data / "audit"])
    assert report.is_whole, report.findings


async def test_auditors_read_and_take_out_the_chain(running_gateway: Gateway) -> None:
    auditor = await running_gateway.person(f"auditor-{uuid.uuid4().hex}@x.test")
    async with aclosing(auditor), await running_gateway.operator() as operator:
        assert (await auditor.get("/api/audit")).status_code == 403
        user_id = (await auditor.ok("GET", "/api/me"))["id"]
        await operator.ok("PATCH", f"/api/users/{user_id}", {"roles": ["user", "auditor"]})
        page = await auditor.ok("GET", f"/api/audit?action=user.&object=user:{user_id}")
        assert [item["action"] for item in page["items"]] == ["user.roles_changed", "user.created"]
        first = await auditor.ok("GET", "/api/audit?limit=2")
        second = await auditor.ok("GET", f"/api/audit?limit=2&before={first['next_before']}")
        assert first["items"][-1]["seq"] == second["items"][0]["seq"] + 1
        assert first["items"][0]["action"] == "audit.read"
        previous = b""
        for line in (await auditor.get("/api/audit/export")).text.splitlines():
            event = json.loads(line)
            row: Any = tuple(
                details_text(event["details"]) if name == "details" else event[name]
                for name in (
                    *("seq", "at", "actor", "on_behalf_of", "action", "object", "outcome", "source", "request_id"),
                    "details",
                )
            )
            prev = bytes.fromhex(event["prev_hash"])
            assert previous in (prev, b"")
            previous = chained(prev, row)
            assert previous.hex() == event["hash"]  # an export can be verified by itself
        ocsf = [json.loads(line) for line in (await auditor.get("/api/audit/export?format=ocsf")).text.splitlines()]
        assert [event["metadata"]["uid"] for event in ocsf] == [str(n) for n in range(1, len(ocsf) + 1)]
        exported = (await auditor.ok("GET", "/api/audit?action=audit.exported&limit=1"))["items"][0]
        assert exported["details"]["format"] == "ocsf"
        assert (await auditor.ok("POST", "/api/audit/checkpoint"))["seq"] >= exported["seq"]
