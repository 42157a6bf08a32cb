"""Wrong passwords, counted by where they come from: guessers wait, owners of accounts do not (decision 0026).

A try is counted before its password is looked at, in the database, so that neither many at once nor several gateways
give more of them; a good one is given back. There are three counts: of an account from one address, of an address, and
of an account from everywhere. From an address where the account has logged in before only the first one counts, so
nobody elsewhere can lock its owner out.

Who is refused costs one query and writes nothing. Those from new addresses also pass one at a time, as a hash takes a
tenth of a second: a flood of them leaves the other half of the machine to people who come from where they always do.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from uuid import UUID

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.foundation import TRAIL, Clock
from appliance.identity.errors import AuthenticationBusy, TooManyAttempts
from appliance.identity.models import KnownPlaceRow, LoginTriesRow
from appliance.storage import Base, Database


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries from the first one on, until the time is over."""

    tries: int
    time: timedelta


ACCOUNT_FROM_PLACE = Limit(8, timedelta(minutes=5))
PLACE = Limit(50, timedelta(minutes=15))
ACCOUNT = Limit(100, timedelta(hours=1))
WAITING = 200
"""Tries from new addresses that wait for their turn, on one gateway."""
PLACES_KEPT = timedelta(days=90)
"""How long an address counts as one of the account's after its last login there."""


@dataclass(frozen=True, slots=True)
class Bucket:
    key: str
    account: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that was counted and may go on."""

    buckets: Sequence[Bucket]
    place: str


class Throttle:
    """One per process; what is counted lies in the database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    @asynccontextmanager
    async def attempt(self, email: str, user_id: UUID | None) -> AsyncIterator[Attempt]:
        """Count a try for an address that somebody typed; inside of the block the password may be looked at.

        `user_id`: of the account that has it, if any. Where the request came from is read from its trail.

        Raises:
            TooManyAttempts: there were too many from there, or for this account.
            AuthenticationBusy: too many wait.
        """
        account, place = account_mark(email), place_of(_source())
        pair = Bucket(_mark("pair", account, place), account, ACCOUNT_FROM_PLACE)
        async with self._database.read() as session:
            known = await _is_known(session, user_id, place, self._clock.now())
            buckets = [pair] if known else [pair, Bucket(_mark("place", place), "", PLACE)]
            buckets += [] if known else [Bucket(_mark("account", account), account, ACCOUNT)]
            await self._refuse(session, buckets)
        async with self._lane(known=known):
            async with self._database.write() as session:
                await self._count(session, buckets)
            yield Attempt(buckets, place)

    async def forgive(self, session: AsyncSession, attempt: Attempt, user_id: UUID) -> None:
        """The password was right: it was no guess, and its place is one of the account's."""
        pair, *others = attempt.buckets
        await session.execute(delete(LoginTriesRow).where(LoginTriesRow.bucket == pair.key))
        for bucket in others:
            given_back = update(LoginTriesRow).where(LoginTriesRow.bucket == bucket.key, LoginTriesRow.tries > 0)
            await session.execute(given_back.values(tries=LoginTriesRow.tries - 1))
        now = self._clock.now()
        theirs = KnownPlaceRow.user_id == user_id
        await session.execute(delete(KnownPlaceRow).where(theirs, KnownPlaceRow.seen_at < now - PLACES_KEPT))
        seen = _insert(session, KnownPlaceRow).values(user_id=user_id, place=_mark("known", attempt.place), seen_at=now)
        await session.execute(seen.on_conflict_do_update(index_elements=["user_id", "place"], set_={"seen_at": now}))

    @asynccontextmanager
    async def _lane(self, *, known: bool) -> AsyncIterator[None]:
        if known:
            yield
            return
        if self._waiting >= WAITING:
            raise AuthenticationBusy("Too many logins wait.", retry_after_s=2.0)
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    async def _refuse(self, session: AsyncSession, buckets: Sequence[Bucket]) -> None:
        now, limits = self._clock.now(), {bucket.key: bucket.limit for bucket in buckets}
        rows = await session.execute(
            select(LoginTriesRow.bucket, LoginTriesRow.tries, LoginTriesRow.ends_at).where(
                LoginTriesRow.bucket.in_(limits), LoginTriesRow.ends_at > now
            )
        )
        over = [ends_at for bucket, tries, ends_at in rows if tries >= limits[bucket].tries]
        if over:
            raise _too_many(max(over), now)

    async def _count(self, session: AsyncSession, buckets: Sequence[Bucket]) -> None:
        """One more in each, in one order for all, so that two transactions do not wait for each other."""
        now = self._clock.now()
        await session.execute(delete(LoginTriesRow).where(LoginTriesRow.ends_at <= now))
        for bucket in sorted(buckets, key=lambda b: b.key):
            ends_at = now + bucket.limit.time
            begun = _insert(session, LoginTriesRow).values(
                bucket=bucket.key, account=bucket.account, tries=1, ends_at=ends_at
            )
            over = LoginTriesRow.ends_at <= now
            more = begun.on_conflict_do_update(
                index_elements=["bucket"],
                set_={
                    "tries": case((over, 1), else_=LoginTriesRow.tries + 1),
                    "ends_at": case((over, ends_at), else_=LoginTriesRow.ends_at),
                },
            ).returning(LoginTriesRow.tries, LoginTriesRow.ends_at)
            tries, until = (await session.execute(more)).one()
            if tries > bucket.limit.tries:
                raise _too_many(until, now)


async def forget_tries(session: AsyncSession, email: str) -> None:
    """An account has a new password: nobody waits for the old one."""
    await session.execute(delete(LoginTriesRow).where(LoginTriesRow.account == account_mark(email)))


def account_mark(email: str) -> str:
    """Of an account that may not exist, by the address that was typed."""
    return _mark("account", email.strip().lower())


def place_of(source: str) -> str:
    """Who shares a count: one address of IPv4; of IPv6 the 64 bits that a provider gives to one customer."""
    try:
        address = ip_address(source)
    except ValueError:
        return source
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return str(address)


async def _is_known(session: AsyncSession, user_id: UUID | None, place: str, now: datetime) -> bool:
    if user_id is None:
        return False
    row = await session.get(KnownPlaceRow, (user_id, _mark("known", place)))
    return row is not None and row.seen_at > now - PLACES_KEPT


def _insert(session: AsyncSession, table: type[Base]) -> postgresql.Insert:
    """An insertion that may say `ON CONFLICT`; both dialects spell it the same."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)  # type: ignore[return-value] # the same methods, and no common type


def _source() -> str:
    trail = TRAIL.get()
    return "" if trail is None else trail.source


def _mark(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _too_many(until: datetime, now: datetime) -> TooManyAttempts:
    return TooManyAttempts(
        "There were too many wrong passwords for this account or from this address.",
        retry_after_s=(until - now).total_seconds(),
    )
