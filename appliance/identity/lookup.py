"""From a credential to a `Principal`, as the database says at this moment."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.foundation import Clock
from appliance.identity.confirmed import FOREVER, keys_until, vouched
from appliance.identity.credentials import Credential
from appliance.identity.directory.closure import closure_of
from appliance.identity.models import ApiKeyRow, SessionRow, UserRow
from appliance.identity.people import read_kind, read_roles
from appliance.identity.rights import Known
from appliance.identity.secrets import OPERATOR_PREFIX, fingerprint, read_api_key, same
from appliance.identity.settings import IdentitySettings
from appliance.identity.sso.models import SsoSessionRow
from appliance.identity.used import UsedLog
from appliance.identity.values import BREAK_GLASS, WHOLE_ACCOUNT, KeyScope, Principal, Via
from appliance.storage import Database

log = structlog.get_logger(__name__)


KEY_COLUMNS = (
    ApiKeyRow.id,
    ApiKeyRow.user_id,
    ApiKeyRow.secret_hash,
    ApiKeyRow.previous_hash,
    ApiKeyRow.previous_until,
    ApiKeyRow.expires_at,
    ApiKeyRow.revoked_at,
    ApiKeyRow.scope_models,
    ApiKeyRow.scope_assistants,
    ApiKeyRow.scope_collections,
    ApiKeyRow.scope_endpoints,
)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What decides about a key, as columns: an object of the mapper takes 70 µs more, which a caller could measure."""

    id: UUID
    user_id: UUID
    secret_hash: str
    previous_hash: str | None
    previous_until: datetime | None
    expires_at: datetime
    revoked_at: datetime | None
    scope_models: list[str] | None
    scope_assistants: list[str] | None
    scope_collections: list[str] | None
    scope_endpoints: list[str] | None


NOBODYS = StoredKey(UUID(int=0), UUID(int=0), "0" * 64, None, None, FOREVER, FOREVER, None, None, None, None)
"""In place of a key that does not exist; its hash is that of no secret that anybody knows, and it is revoked."""


class Lookup:
    """The only place that turns a credential into rights. Every answer is None or all of it."""

    def __init__(
        self, database: Database, clock: Clock, settings: IdentitySettings, used: UsedLog, operator_token: str
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._used = used
        self._operator_token = operator_token

    async def find(self, credential: Credential) -> Known | None:
        """Who it is; None when it is unknown, expired, revoked, or of an account that is shut."""
        async with self._database.read() as session:
            if credential.way == "session":
                return await self._session(session, fingerprint(credential.token))
            if credential.token.startswith(OPERATOR_PREFIX):
                return await self._operator(session, credential.token)
            return await self._key(session, credential.token)

    async def again(self, user_id: UUID, key_id: UUID | None) -> Principal | None:
        """An account, with what a key of it may do; None when it is shut, or the key works no more."""
        async with self._database.read() as session:
            if key_id is None:
                return await read_principal(session, user_id, "session")
            row = await session.get(ApiKeyRow, key_id)
            if row is None or row.user_id != user_id or row.revoked_at or row.expires_at <= self._clock.now():
                return None
            if await self._keys_until(session, user_id) <= self._clock.now():
                return None
            return await read_principal(session, user_id, "api_key", row.id, key_scope(row))

    async def _session(self, session: AsyncSession, token_hash: str) -> Known | None:
        row = await session.get(SessionRow, token_hash)
        if row is None:
            return None
        seen = max(row.seen_at, self._used.last(token_hash) or row.seen_at)
        until = min(row.expires_at, seen + self._settings.session_idle)
        if until <= self._clock.now():
            return None
        principal = await read_principal(session, row.user_id, "session")
        sso = await session.get(SsoSessionRow, token_hash)
        if principal is None or (sso is None and self._settings.mode == "oidc" and principal.email != BREAK_GLASS):
            return None  # a password's session ends when passwords are switched off
        if sso is not None:
            principal = replace(principal, acr=sso.acr, proved_at=sso.proved_at)
        return _known(principal, until, token_hash, token_hash)

    async def _key(self, session: AsyncSession, token: str) -> Known | None:
        parts = read_api_key(token)
        if parts is None:
            return None
        found = (await session.execute(select(*KEY_COLUMNS).where(ApiKeyRow.lookup == parts.lookup))).first()
        key = NOBODYS if found is None else StoredKey(*found)  # the same work for both: time tells nothing
        given, now = fingerprint(parts.secret), self._clock.now()
        until = key_until(key, given)
        if until is None or until <= now or key.revoked_at is not None:
            return None
        until = min(until, await self._keys_until(session, key.user_id))
        if until <= now:
            log.info("a key waits for its owner to log in", key_id=str(key.id))
            return None
        principal = await read_principal(session, key.user_id, "api_key", key.id, key_scope(key))
        return _known(principal, until, key.id, given)

    async def _keys_until(self, session: AsyncSession, user_id: UUID) -> datetime:
        row = await session.get(UserRow, user_id)  # the session keeps it: it is not read twice
        return FOREVER if row is None else keys_until(vouched(row), self._settings.keys_confirmed_for)

    async def _operator(self, session: AsyncSession, token: str) -> Known | None:
        """The operator's token lets the command line act as the oldest administrator."""
        if not same(token, self._operator_token):
            return None
        rows = await session.scalars(select(UserRow).where(UserRow.disabled.is_(False)).order_by(UserRow.created_at))
        for row in rows:
            if "administrator" in read_roles(row.roles):
                principal = await read_principal(session, row.id, "operator")
                return None if principal is None else Known(principal, FOREVER, None)
        return None


async def read_principal(
    session: AsyncSession,
    user_id: UUID,
    via: Via,
    key_id: UUID | None = None,
    scope: KeyScope = WHOLE_ACCOUNT,
) -> Principal | None:
    """An account with its groups and all above them; None when there is no such account or it is shut."""
    row = await session.get(UserRow, user_id)
    if row is None or row.disabled or row.withdrawn:
        return None
    return Principal(
        user_id=row.id,
        email=row.email,
        name=row.name,
        roles=read_roles(row.roles),
        group_ids=await closure_of(session, user_id),
        via=via,
        key_id=key_id,
        kind=read_kind(row.kind),
        key_scope=scope,
    )


def _known(principal: Principal | None, until: datetime, used_as: UUID | str, proof: str) -> Known | None:
    if principal is None:
        return None
    return Known(replace(principal, proof=proof, until=until), until, used_as)


def key_scope(row: ApiKeyRow | StoredKey) -> KeyScope:
    """What the key is for."""
    if row.scope_models is row.scope_assistants is row.scope_collections is row.scope_endpoints is None:
        return WHOLE_ACCOUNT  # one object for most keys
    return KeyScope(
        models=_names(row.scope_models),
        assistants=_names(row.scope_assistants),
        collections=None if row.scope_collections is None else frozenset(UUID(c) for c in row.scope_collections),
        endpoints=_names(row.scope_endpoints),
    )


def _names(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def key_until(row: ApiKeyRow | StoredKey, given_hash: str) -> datetime | None:
    """How long this secret works for the key; None when it is no secret of it."""
    present = same(row.secret_hash, given_hash)
    previous = same(row.previous_hash or "", given_hash)  # compared in any case: time tells nothing
    if present:
        return row.expires_at
    if previous and row.previous_until is not None:
        return min(row.expires_at, row.previous_until)
    return None
