"""Queries of stored responses. Each one names the owner, so a foreign id finds nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, delete, literal, select, update

from appliance.audit import Event, record
from appliance.foundation import Clock
from appliance.identity import Holder
from appliance.openai_api.held import held_by
from appliance.openai_api.responses.errors import PreviousResponseNotFound, ResponseNotFound
from appliance.openai_api.responses.models import ResponseRow
from appliance.openai_api.responses.settings import ResponseSettings
from appliance.storage import Database

UNFINISHED = ("queued", "in_progress")
CHAIN_AT_MOST = 200
"""Responses that one may go on from, each from the one before it."""


@dataclass(frozen=True, slots=True)
class StoredResponse:
    id: UUID
    previous_id: UUID | None
    model: str
    status: str
    background: bool
    collection_ids: tuple[UUID, ...]
    input: bytes = field(repr=False)
    """JSON: the input items, each with its id."""
    response: bytes = field(repr=False)
    """JSON: the response object."""


class ResponseRepository:
    def __init__(self, database: Database, clock: Clock, settings: ResponseSettings) -> None:
        self._database = database
        self._clock = clock
        self._retention = settings.retention
        self._runner = settings.runner

    async def add(self, holder: Holder, stored: StoredResponse) -> None:
        now = self._clock.now()
        row = ResponseRow(
            id=stored.id,
            user_id=holder.user_id,
            key_id=holder.key_id,
            previous_id=stored.previous_id,
            model=stored.model,
            status=stored.status,
            background=stored.background,
            runner=self._runner if stored.status in UNFINISHED else "",
            collections=[str(c) for c in stored.collection_ids],
            input=stored.input.decode(),
            response=stored.response.decode(),
            created_at=now,
            expires_at=now + self._retention,
        )
        async with self._database.write() as session:
            session.add(row)

    async def get(self, holder: Holder, response_id: UUID) -> StoredResponse:
        """Raises ResponseNotFound, also for one that the holder does not reach and for one whose time is over."""
        query = select(ResponseRow).where(ResponseRow.id == response_id, *self._own(holder))
        async with self._database.read() as session:
            row = await session.scalar(query)
        if row is None:
            raise ResponseNotFound("There is no such response.")
        return _stored(row)

    async def chain(self, holder: Holder, last_id: UUID) -> list[StoredResponse]:
        """A response and all that it goes on from, oldest first, in one query.

        Raises:
            PreviousResponseNotFound: one of them is missing, somebody else's, or over; or there are too many.
        """
        own = self._own(holder)
        links = (
            select(ResponseRow.id, ResponseRow.previous_id, literal(1).label("place"))
            .where(ResponseRow.id == last_id, *own)
            .cte("links", recursive=True)
        )
        before = (
            select(ResponseRow.id, ResponseRow.previous_id, links.c.place + 1)
            .join(links, ResponseRow.id == links.c.previous_id)
            .where(links.c.place <= CHAIN_AT_MOST, *own)
        )
        links = links.union_all(before)
        query = select(ResponseRow).join(links, ResponseRow.id == links.c.id).order_by(links.c.place.desc())
        async with self._database.read() as session:
            found = [_stored(row) for row in await session.scalars(query)]
        if not found or found[0].previous_id is not None:
            raise PreviousResponseNotFound(
                "The previous response, or one before it, is not there.", param="previous_response_id"
            )
        return found

    async def begun(self, stored_id: UUID, response: bytes) -> None:
        """Note that the work on a queued one has begun."""
        async with self._database.write() as session:
            await session.execute(
                update(ResponseRow)
                .where(ResponseRow.id == stored_id, ResponseRow.status == "queued")
                .values(status="in_progress", response=response.decode())
            )

    async def finish(self, stored_id: UUID, status: str, response: bytes) -> bool:
        """Note the end of one that was being written; False when it had ended already, as by a cancel."""
        async with self._database.write() as session:
            done = await session.execute(
                update(ResponseRow)
                .where(ResponseRow.id == stored_id, ResponseRow.status.in_(UNFINISHED))
                .values(status=status, response=response.decode(), runner="")
            )
        return isinstance(done, CursorResult) and done.rowcount > 0

    async def is_unfinished(self, stored_id: UUID) -> bool:
        query = select(ResponseRow.id).where(ResponseRow.id == stored_id, ResponseRow.status.in_(UNFINISHED))
        async with self._database.read() as session:
            return await session.scalar(query) is not None

    async def delete(self, holder: Holder, response_id: UUID) -> None:
        """Raises ResponseNotFound."""
        await self.get(holder, response_id)
        async with self._database.write() as session:
            await session.execute(delete(ResponseRow).where(ResponseRow.id == response_id, *self._own(holder)))
            await record(session, Event("response.deleted", f"response:{response_id}"))

    def _own(self, holder: Holder) -> tuple[ColumnElement[bool], ...]:
        return held_by(holder, ResponseRow.user_id, ResponseRow.key_id), ResponseRow.expires_at > self._clock.now()

    async def orphans(self) -> Sequence[StoredResponse]:
        """Those that this process was writing when it last died."""
        query = select(ResponseRow).where(ResponseRow.runner == self._runner, ResponseRow.status.in_(UNFINISHED))
        async with self._database.read() as session:
            return [_stored(row) for row in await session.scalars(query)]

    async def sweep(self) -> int:
        """Delete those whose time is over; how many."""
        now = self._clock.now()
        async with self._database.write() as session:
            done = await session.execute(delete(ResponseRow).where(ResponseRow.expires_at <= now))
        return done.rowcount if isinstance(done, CursorResult) else 0


def _stored(row: ResponseRow) -> StoredResponse:
    return StoredResponse(
        id=row.id,
        previous_id=row.previous_id,
        model=row.model,
        status=row.status,
        background=row.background,
        collection_ids=tuple(UUID(c) for c in row.collections),
        input=row.input.encode(),
        response=row.response.encode(),
    )
