"""Whether callers of earlier are still what they were, for many at a time: a few queries, whatever their number."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.foundation import Clock
from appliance.identity.confirmed import VOUCHED, Vouched, keys_until
from appliance.identity.directory.closure import closures_of
from appliance.identity.lookup import key_scope, key_until
from appliance.identity.models import ApiKeyRow, SessionRow, UserRow
from appliance.identity.people import read_roles
from appliance.identity.roles import Role
from appliance.identity.values import KeyScope, Principal
from appliance.storage import Database

T = TypeVar("T")

ASKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Now:
    """What an account is at this moment."""

    roles: frozenset[Role]
    group_ids: frozenset[UUID]
    keys_until: datetime
    """When its keys stop, for want of a word of the provider."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Read in one transaction: what counts now for accounts, keys and sessions. What is missing is over."""

    accounts: Mapping[UUID, Now]
    keys: Mapping[UUID, tuple[ApiKeyRow, KeyScope]]
    sessions: frozenset[str]

    def of(self, caller: Principal, clock: Clock) -> Now | None:
        """What the caller is now; None when the account, key or session is over, or the key is for other things."""
        account = self.accounts.get(caller.user_id)
        if account is None:
            return None
        if caller.key_id is not None:
            return account if self._holds(caller, caller.key_id, account, clock) else None
        if caller.via == "session" and caller.proof is not None and caller.proof not in self.sessions:
            return None
        return account

    def _holds(self, caller: Principal, key_id: UUID, account: Now, clock: Clock) -> bool:
        found = self.keys.get(key_id)
        if found is None or found[0].revoked_at is not None or found[1] != caller.key_scope:
            return False
        until = found[0].expires_at if caller.proof is None else key_until(found[0], caller.proof)
        return until is not None and min(until, account.keys_until) > clock.now()


async def standing_of(
    database: Database, callers: Collection[Principal], clock: Clock, keys_confirmed_for: timedelta | None = None
) -> Standing:
    """`keys_confirmed_for`: see `confirmed.py`. Raises SQLAlchemyError, OSError."""
    async with database.read() as session:
        accounts = await _accounts(session, {c.user_id for c in callers}, keys_confirmed_for)
        keys = await _keys(session, {c.key_id for c in callers if c.key_id is not None})
        sessions = await _sessions(session, {c.proof for c in callers if c.key_id is None and c.proof}, clock)
    return Standing(accounts, keys, sessions)


async def _accounts(
    session: AsyncSession, ids: Iterable[UUID], keys_confirmed_for: timedelta | None
) -> dict[UUID, Now]:
    found: dict[UUID, Now] = {}
    for part in _parts(ids):
        query = select(UserRow.id, UserRow.roles, *VOUCHED).where(
            UserRow.id.in_(part), UserRow.disabled.is_(False), UserRow.withdrawn.is_(False)
        )
        groups = await closures_of(session, part)
        for user_id, roles, issuer, kind, by, claims_at, created_at in await session.execute(query):
            until = keys_until(Vouched(issuer, kind, by, claims_at, created_at), keys_confirmed_for)
            found[user_id] = Now(read_roles(roles), groups.get(user_id, frozenset()), until)
    return found


async def _keys(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, tuple[ApiKeyRow, KeyScope]]:
    found: dict[UUID, tuple[ApiKeyRow, KeyScope]] = {}
    for part in _parts(ids):
        rows = await session.scalars(select(ApiKeyRow).where(ApiKeyRow.id.in_(part)))
        found |= {row.id: (row, key_scope(row)) for row in rows}
    return found


async def _sessions(session: AsyncSession, hashes: Iterable[str], clock: Clock) -> frozenset[str]:
    """Idle ones count while work that they began goes on: it is use."""
    found: set[str] = set()
    for part in _parts(hashes):
        query = select(SessionRow.token_hash).where(
            SessionRow.token_hash.in_(part), SessionRow.expires_at > clock.now()
        )
        found.update(await session.scalars(query))
    return frozenset(found)


def _parts(values: Iterable[T]) -> Iterator[Sequence[T]]:
    listed = list(values)
    return (listed[at : at + ASKED_AT_ONCE] for at in range(0, len(listed), ASKED_AT_ONCE))
