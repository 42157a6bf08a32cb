"""API keys: made, listed, ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from appliance.foundation import Clock, NotFound, new_id
from appliance.identity.models import ApiKeyRow
from appliance.identity.rights import RightsCache, changing_rights
from appliance.identity.secrets import fingerprint, new_api_key
from appliance.identity.settings import IdentitySettings
from appliance.storage import Database


@dataclass(frozen=True, slots=True)
class KeyInfo:
    id: UUID
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class Keys:
    """Keys of an account. A key's text is told once, when it is made; only a hash of its secret is kept."""

    def __init__(self, database: Database, clock: Clock, rights: RightsCache, settings: IdentitySettings) -> None:
        self._database = database
        self._clock = clock
        self._rights = rights
        self._settings = settings

    async def create(self, user_id: UUID, name: str, expires_in_days: int) -> tuple[KeyInfo, str]:
        """Make a key for a user. The text is returned once and cannot be shown again."""
        parts, now = new_api_key(), self._clock.now()
        row = ApiKeyRow(
            id=new_id(),
            lookup=parts.lookup,
            user_id=user_id,
            name=name.strip(),
            secret_hash=fingerprint(parts.secret),
            created_at=now,
            expires_at=now + timedelta(days=min(expires_in_days, self._settings.key_longest_days)),
        )
        async with changing_rights(self._database, self._rights) as session:
            session.add(row)
        return _info(row), parts.text()

    async def of(self, user_id: UUID) -> list[KeyInfo]:
        """A user's living keys, newest first."""
        query = (
            select(ApiKeyRow)
            .where(ApiKeyRow.user_id == user_id, ApiKeyRow.revoked_at.is_(None))
            .order_by(ApiKeyRow.created_at.desc())
        )
        async with self._database.read() as session:
            return [_info(row) for row in await session.scalars(query)]

    async def revoke(self, user_id: UUID, key_id: UUID) -> None:
        """End one of the user's own keys. Raises NotFound, also for somebody else's."""
        async with changing_rights(self._database, self._rights) as session:
            row = await session.get(ApiKeyRow, key_id)
            if row is None or row.user_id != user_id or row.revoked_at is not None:
                raise NotFound("There is no such key.")
            row.revoked_at = self._clock.now()


def _info(row: ApiKeyRow) -> KeyInfo:
    return KeyInfo(
        id=row.id,
        name=row.name,
        prefix=f"pma_{row.lookup}",
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
