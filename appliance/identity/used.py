"""When keys and sessions were used: gathered in memory, written in batches, so that a request writes nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, or_, update
from sqlalchemy.exc import SQLAlchemyError

from appliance.identity.models import ApiKeyRow, SessionRow
from appliance.storage import Database


class UsedLog:
    """Last use of each key (by id) and session (by the hash of its token). A crash loses the last few seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: dict[UUID | str, datetime] = {}

    def note(self, used: UUID | str, at: datetime) -> None:
        self._last[used] = at

    def last(self, used: UUID | str) -> datetime | None:
        """The last use that is not written yet."""
        return self._last.get(used)

    async def write(self) -> None:
        """Write what was gathered. Raises SQLAlchemyError or OSError; then it is kept for the next time."""
        taken, self._last = self._last, {}
        keys = [{"wanted": k, "at": at} for k, at in taken.items() if isinstance(k, UUID)]
        sessions = [{"wanted": k, "at": at} for k, at in taken.items() if isinstance(k, str)]
        try:
            if taken:
                await self._write(keys, sessions)
        except (SQLAlchemyError, OSError):
            self._last = taken | self._last
            raise

    async def _write(self, keys: Sequence[Mapping[str, object]], sessions: Sequence[Mapping[str, object]]) -> None:
        at = bindparam("at", type_=SessionRow.seen_at.type)
        key_used = update(ApiKeyRow).values(last_used_at=at)
        key_used = key_used.where(
            ApiKeyRow.id == bindparam("wanted"), or_(ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at < at)
        )
        seen = update(SessionRow).values(seen_at=at)
        seen = seen.where(SessionRow.token_hash == bindparam("wanted"), SessionRow.seen_at < at)
        async with self._database.write() as session:
            connection = await session.connection()
            if keys:
                await connection.execute(key_used, keys)
            if sessions:
                await connection.execute(seen, sessions)
