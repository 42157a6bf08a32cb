"""Another person's conversations are read with a reason, a second person, a time, a notice and an event; else never."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from appliance.audit.models import AuditEventRow
from appliance.chat.break_glass.models import BreakGlassRow
from tests.support.gateway import Client, Gateway

REASON = "Complaint 4711: the works council asks what was said about the plan."
SECRET = "What do we do about the CNRY-glass plan?"


@dataclass
class Cast:
    """Whose conversation it is, who wants to read it, who may approve."""

    person: Client
    person_id: str
    conversation_id: str
    asker: Client
    second: Client

    async def request(self, minutes: int = 30) -> str:
        body = {"person_id": self.person_id, "reason": REASON, "minutes": minutes}
        return str((await self.asker.ok("POST", "/api/break-glass", body))["id"])


async def with_role(gateway: Gateway, role: str) -> Client:
    client = await gateway.person(f"{role}-{uuid.uuid4().hex}@x.test")
    async with await gateway.operator() as operator:
        user_id = (await client.ok("GET", "/api/me"))["id"]
        await operator.ok("PATCH", f"/api/users/{user_id}", {"roles": ["user", role]})
    return client


@pytest.fixture
async def cast(running_gateway: Gateway) -> AsyncIterator[Cast]:
    async with AsyncExitStack() as stack:
        person = await running_gateway.person(f"person-{uuid.uuid4().hex}@x.test")
        asker, second = await with_role(running_gateway, "auditor"), await with_role(running_gateway, "administrator")
        for client in (person, asker, second):
            await stack.enter_async_context(aclosing(client))
        person_id = (await person.ok("GET", "/api/me"))["id"]
        conversation_id = (await person.ok("POST", "/api/conversations", {}))["id"]
        await person.events("POST", f"/api/conversations/{conversation_id}/turns", {"question": SECRET})
        yield Cast(person, person_id, conversation_id, asker, second)


async def told(gateway: Gateway, request: str) -> list[AuditEventRow]:
    async with gateway.parts.database.read() as session:
        rows = await session.scalars(
            select(AuditEventRow).where(AuditEventRow.action.startswith("break_glass.")).order_by(AuditEventRow.seq)
        )
        return [row for row in rows if json.loads(row.details)["request"] == request]


async def refused(reply: Any, status: int, code: str) -> None:
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code), reply.text
    assert SECRET not in reply.text


async def test_the_whole_way(running_gateway: Gateway, cast: Cast) -> None:
    request = await cast.request()
    path = f"/api/break-glass/{request}"
    await refused(await cast.asker.get(f"{path}/conversations"), 403, "break_glass_not_open")
    assert await cast.person.ok("GET", "/api/me/notices") == []
    approved = await cast.second.ok("POST", f"{path}/approve")
    assert approved["state"] == "approved"
    notice = (await cast.person.ok("GET", "/api/me/notices"))[0]
    assert (notice["reason"], notice["state"], notice["seen"], notice["read_count"]) == (REASON, "approved", False, 0)
    listed = await cast.asker.ok("GET", f"{path}/conversations")
    assert [item["id"] for item in listed] == [cast.conversation_id]
    read = await cast.asker.ok("GET", f"{path}/conversations/{cast.conversation_id}")
    assert read["turns"][0]["question"] == SECRET
    notice = (await cast.person.ok("GET", "/api/me/notices"))[0]
    assert notice["read_count"] == 1
    await cast.person.ok("POST", f"/api/me/notices/{request}/seen")
    assert (await cast.person.ok("GET", "/api/me/notices"))[0]["seen"] is True
    await cast.second.ok("POST", f"{path}/end")
    await refused(await cast.asker.get(f"{path}/conversations"), 403, "break_glass_not_open")
    rows = await told(running_gateway, request)
    assert [row.action.partition(".")[2] for row in rows] == ["requested", "approved", "listed", "read", "ended"]
    assert rows[3].object == f"conversation:{cast.conversation_id}"
    assert rows[3].on_behalf_of == f"user:{cast.person_id}"
    assert not any(SECRET in row.details or "4711" in row.details for row in rows)


async def test_nobody_reads_alone(running_gateway: Gateway, cast: Cast) -> None:
    request = await cast.request()
    path = f"/api/break-glass/{request}"
    await refused(await cast.asker.post(f"{path}/approve"), 403, "second_person_needed")
    async with await running_gateway.operator() as operator:
        await refused(await operator.post(f"{path}/approve"), 403, "person_needed")
        body = {"person_id": cast.person_id, "reason": REASON}
        await refused(await operator.post("/api/break-glass", json=body), 403, "person_needed")
    await refused(await cast.person.post(f"{path}/approve"), 403, "not_allowed")
    narrow = await running_gateway.with_key(cast.second, endpoints=["api"])
    async with aclosing(narrow):
        assert (await narrow.post(f"{path}/approve")).status_code == 403
    assert await cast.person.ok("GET", "/api/me/notices") == []


async def test_everything_else_stays_refused(running_gateway: Gateway, cast: Cast) -> None:
    request = await cast.request()
    path = f"/api/break-glass/{request}"
    await cast.second.ok("POST", f"{path}/approve")
    for reader in (cast.asker, cast.second):  # the ordinary way stays shut, also for an administrator
        await refused(await reader.get(f"/api/conversations/{cast.conversation_id}"), 404, "not_found")
        await refused(await reader.delete(f"/api/conversations/{cast.conversation_id}"), 404, "not_found")
    await refused(await cast.second.get(f"{path}/conversations"), 403, "break_glass_not_open")  # only who asked
    foreign = (await cast.second.ok("POST", "/api/conversations", {}))["id"]
    await refused(await cast.asker.get(f"{path}/conversations/{foreign}"), 404, "not_found")  # only that person's
    await refused(await cast.asker.post(f"/api/me/notices/{request}/seen"), 404, "not_found")
    await refused(await cast.second.post(f"{path}/approve"), 409, "already_decided")


async def test_time_ends_it(running_gateway: Gateway, cast: Cast) -> None:
    request = await cast.request(minutes=5)
    path = f"/api/break-glass/{request}"
    await cast.second.ok("POST", f"{path}/approve")
    await cast.asker.ok("GET", f"{path}/conversations")
    past = datetime.now(UTC) - timedelta(seconds=1)
    await changed(running_gateway, request, until=past)
    await refused(await cast.asker.get(f"{path}/conversations"), 403, "break_glass_not_open")
    await refused(await cast.asker.get(f"{path}/conversations/{cast.conversation_id}"), 403, "break_glass_not_open")
    states = {r["id"]: r["state"] for r in await cast.asker.ok("GET", "/api/break-glass")}
    assert states[request] == "over"
    late = await cast.request()
    await changed(running_gateway, late, asked_at=datetime.now(UTC) - timedelta(hours=25))
    await refused(await cast.second.post(f"/api/break-glass/{late}/approve"), 409, "already_decided")


async def changed(gateway: Gateway, request: str, **values: Any) -> None:
    async with gateway.parts.database.write() as session:
        await session.execute(update(BreakGlassRow).where(BreakGlassRow.id == uuid.UUID(request)).values(**values))


async def test_who_lost_the_role_or_asks_without_reason_gets_nothing(running_gateway: Gateway, cast: Cast) -> None:
    request = await cast.request()
    await cast.second.ok("POST", f"/api/break-glass/{request}/approve")
    asker_id = (await cast.asker.ok("GET", "/api/me"))["id"]
    async with await running_gateway.operator() as operator:
        await operator.ok("PATCH", f"/api/users/{asker_id}", {"roles": ["user"]})
    await refused(await cast.asker.get(f"/api/break-glass/{request}/conversations"), 403, "not_allowed")
    for body in (
        {"person_id": cast.person_id, "reason": "  ", "minutes": 30},
        {"person_id": cast.person_id, "reason": REASON, "minutes": 100_000},
        {"person_id": (await cast.second.ok("GET", "/api/me"))["id"], "reason": REASON},
    ):
        assert (await cast.second.post("/api/break-glass", json=body)).status_code == 400
    assert (
        await cast.person.post("/api/break-glass", json={"person_id": asker_id, "reason": REASON})
    ).status_code == 403
