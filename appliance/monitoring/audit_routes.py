"""The audit over HTTP, for those who may read it. Who reads it is in it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Literal

import msgspec
from litestar import Controller, get, post
from litestar.di import Provide
from litestar.params import Parameter, QueryParameter
from litestar.response import Stream

from appliance.audit import Audit, AuditReader, AuditUnwritable, Checkpoint, Event, Filter, to_ocsf
from appliance.identity import Permission, requires, requires_whole_account
from appliance.monitoring.audit_wire import Acceptance, CheckpointReply, EventPage

Text = Annotated[str | None, Parameter(max_length=500)]
Moment = Annotated[datetime | None, Parameter(description="RFC 3339; without a zone it is UTC.")]
Format = Literal["jsonl", "ocsf"]


def read_filter(
    actor: Text = None,
    action: Annotated[str | None, Parameter(max_length=60, description="An act, or `key.` for all of a noun.")] = None,
    object_name: Annotated[str | None, QueryParameter(name="object", max_length=500)] = None,
    outcome: Literal["done", "denied", "failed"] | None = None,
    source: Text = None,
    request_id: Text = None,
    first: Moment = None,
    last: Moment = None,
) -> Filter:
    """Which events a request asks for; each condition that is given must hold."""
    return Filter(actor, action, object_name, outcome, source, request_id, _utc(first), _utc(last))


class AuditController(Controller):
    path = "/api/audit"
    guards = [requires(Permission.AUDIT_READ, "any")]  # noqa: RUF012 - the framework's declaration style
    dependencies = {"wanted": Provide(read_filter, sync_to_thread=False)}  # noqa: RUF012 - the same

    @get()
    async def events(
        self,
        audit: Audit,
        audit_reader: AuditReader,
        wanted: Filter,
        before: Annotated[int | None, Parameter(ge=1)] = None,
        limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    ) -> EventPage:
        """Events, newest first."""
        await audit.record_alone(Event("audit.read", details=wanted.told()))
        items = await audit_reader.page(wanted, limit=limit, before=before)
        return EventPage(items, items[-1].seq if len(items) == limit else None)

    @get("/export")
    async def export(
        self,
        audit: Audit,
        audit_reader: AuditReader,
        wanted: Filter,
        form: Annotated[Format, QueryParameter(name="format")] = "jsonl",
    ) -> Stream:
        """All events, oldest first, one JSON object a line: as they are, or in OCSF."""
        through = await audit_reader.last_seq()
        await audit.record_alone(Event("audit.exported", details={**wanted.told(), "format": form, "through": through}))
        name = f'attachment; filename="audit-{form}.jsonl"'
        lines = _lines(audit_reader, wanted, through, form)
        return Stream(lines, media_type="application/jsonl", headers={"content-disposition": name})

    @post("/checkpoint", status_code=200)
    async def checkpoint(self, audit: Audit) -> CheckpointReply:
        """Sign how far the chain is, now, and give back what was signed."""
        try:
            made = await audit.chain.make()
        except OSError as error:
            raise AuditUnwritable(f"The checkpoint could not be kept: {error}.") from error
        if made is None:
            raise AuditUnwritable("There is no event yet.")
        return _checkpoint(made)

    @post("/accept", guards=[requires_whole_account], status_code=200)
    async def accept(self, audit: Audit, data: Acceptance) -> CheckpointReply:
        """Answer for a chain that went back: what was signed before does not count any more."""
        try:
            return _checkpoint(await audit.chain.accept(Event("audit.accepted", details={"reason": data.reason})))
        except OSError as error:
            raise AuditUnwritable(f"The checkpoint could not be kept: {error}.") from error


def _checkpoint(made: Checkpoint) -> CheckpointReply:
    return CheckpointReply(made.number, made.chain, made.seq, made.hash, made.time)


async def _lines(reader: AuditReader, wanted: Filter, through: int, form: Format) -> AsyncIterator[bytes]:
    encode, release = msgspec.json.encode, version("private-model-appliance")
    async for events in reader.all(wanted, through=through):
        shown = events if form == "jsonl" else [to_ocsf(event, release) for event in events]
        yield b"".join(encode(event) + b"\n" for event in shown)


def _utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
