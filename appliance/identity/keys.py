"""API keys: made, listed, rotated, ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.foundation import Clock, NotFound, new_id
from appliance.identity.endpoints import ENDPOINTS
from appliance.identity.errors import BadScope
from appliance.identity.lookup import key_scope
from appliance.identity.models import ApiKeyRow
from appliance.identity.rights import RightsCache, changing_rights
from appliance.identity.secrets import ApiKeyParts, fingerprint, new_api_key, random_text
from appliance.identity.settings import IdentitySettings
from appliance.identity.values import WHOLE_ACCOUNT, KeyScope
from appliance.storage import Database


@dataclass(frozen=True, slots=True)
class KeyInfo:
    id: UUID
    name: str
    prefix: str
    """What the key's text begins with; a rotation keeps it."""
    scope: KeyScope
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    previous_until: datetime | None
    """Until when the secret of before the last rotation works; None when there is none that does."""


class Keys:
    """Keys of accounts. A key's text is told once, when it is made; only a hash of its secret is kept.

    Who may touch whose keys is decided by the routes.
    """

    def __init__(self, database: Database, clock: Clock, rights: RightsCache, settings: IdentitySettings) -> None:
        self._database = database
        self._clock = clock
        self._rights = rights
        self._settings = settings

    async def create(
        self, user_id: UUID, name: str, expires_in_days: int, scope: KeyScope = WHOLE_ACCOUNT
    ) -> tuple[KeyInfo, str]:
        """Make a key for an account. The text is returned once and cannot be shown again. Raises BadScope."""
        _check(scope)
        parts = new_api_key()
        row = ApiKeyRow(
            id=new_id(),
            lookup=parts.lookup,
            user_id=user_id,
            name=name.strip(),
            secret_hash=fingerprint(parts.secret),
            created_at=self._clock.now(),
            expires_at=self._expiry(expires_in_days),
            scope_models=_listed(scope.models),
            scope_assistants=_listed(scope.assistants),
            scope_collections=_listed(scope.collections),
            scope_endpoints=_listed(scope.endpoints),
        )
        async with changing_rights(self._database, self._rights) as session:
            session.add(row)
            await record(session, _told("key.created", row))
        return self._info(row), parts.text()

    async def of(self, user_id: UUID) -> list[KeyInfo]:
        """An account's living keys, newest first."""
        query = (
            select(ApiKeyRow)
            .where(ApiKeyRow.user_id == user_id, ApiKeyRow.revoked_at.is_(None))
            .order_by(ApiKeyRow.created_at.desc())
        )
        async with self._database.read() as session:
            return [self._info(row) for row in await session.scalars(query)]

    async def rotate(
        self, user_id: UUID, key_id: UUID, *, overlap: timedelta, expires_in_days: int | None
    ) -> tuple[KeyInfo, str]:
        """Give one of the account's keys a new secret; it keeps its id, and so its scope and limits.

        Args:
            user_id: Whose key it is.
            key_id: Which.
            overlap: How long the present secret goes on working; zero ends it at once. One of an earlier rotation
                that still works ends at once in any case.
            expires_in_days: A new end of the key; None leaves it as it is.

        Returns:
            The key and its new text, which is shown once.

        Raises:
            NotFound: no living key of this account; also one that has expired.
        """
        now = self._clock.now()
        async with changing_rights(self._database, self._rights) as session:
            row = await _living(session, user_id, key_id)
            if row.expires_at <= now and expires_in_days is None:
                raise NotFound("The key has expired.", remedy="Make a new one, or choose a new end.")
            parts = ApiKeyParts(lookup=row.lookup, secret=random_text(43))
            row.previous_hash, row.previous_until = row.secret_hash, now + overlap
            row.secret_hash = fingerprint(parts.secret)
            if expires_in_days is not None:
                row.expires_at = self._expiry(expires_in_days)
            await record(session, _told("key.rotated", row))
        return self._info(row), parts.text()

    async def revoke(self, user_id: UUID, key_id: UUID) -> None:
        """End one of the account's keys. Raises NotFound, also for somebody else's."""
        async with changing_rights(self._database, self._rights) as session:
            row = await _living(session, user_id, key_id)
            row.revoked_at = self._clock.now()
            await record(session, _told("key.revoked", row))

    def _expiry(self, days: int) -> datetime:
        return self._clock.now() + timedelta(days=min(days, self._settings.key_longest_days))

    def _info(self, row: ApiKeyRow) -> KeyInfo:
        previous = row.previous_until
        return KeyInfo(
            id=row.id,
            name=row.name,
            prefix=f"pma_{row.lookup}",
            scope=key_scope(row),
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            previous_until=previous if previous is not None and previous > self._clock.now() else None,
        )


def _told(action: str, row: ApiKeyRow) -> Event:
    details: dict[str, str | bool] = {
        "account": f"user:{row.user_id}",
        "expires_at": row.expires_at.date().isoformat(),
        "narrow": key_scope(row).is_narrow,
    }
    return Event(action, f"key:{row.id}", details=details)


def _check(scope: KeyScope) -> None:
    unknown = sorted((scope.endpoints or frozenset()) - set(ENDPOINTS))
    if unknown:
        raise BadScope(f"There is no endpoint '{unknown[0]}'.", remedy=f"Endpoints: {', '.join(ENDPOINTS)}.")


def _listed(names: Iterable[object] | None) -> list[str] | None:
    return None if names is None else sorted(str(name) for name in names)


async def _living(session: AsyncSession, user_id: UUID, key_id: UUID) -> ApiKeyRow:
    row = await session.get(ApiKeyRow, key_id, with_for_update=True)
    if row is None or row.user_id != user_id or row.revoked_at is not None:
        raise NotFound("There is no such key.")
    return row
