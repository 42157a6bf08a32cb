"""The shared store in PostgreSQL, for gateways without Valkey: budgets in rows, one short transaction per question.

Rates and requests at once each gateway keeps by itself: they would need a transaction per request.
"""

import time
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.storage import Database
from appliance.usage.models import GatewayRow, LeaseRow
from appliance.usage.pool import Answer, Holding, PoolAway, divide
from appliance.usage.values import CounterKey, Limit

SIGN_S = 1.0
SHORT_MS = 1000
"""How long others are told that a gateway is short of something."""
NOW_MS = text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")


class PostgresPool:
    """Budgets only."""

    def __init__(self, database: Database, gateway_id: UUID, *, lease_timeout_s: float) -> None:
        self._database = database
        self._me = gateway_id
        self._timeout_ms = round(lease_timeout_s * 1000)
        self._signed_s = -SIGN_S

    def covers(self, limit: Limit) -> bool:
        return limit.is_budget

    async def declare(self, key: CounterKey, limit: int, have: Holding, need: int) -> Answer | None:
        """See `Pool`."""
        try:
            async with self._database.write() as session:
                return await self._declare(session, key, limit, have, need)
        except (SQLAlchemyError, OSError) as error:
            raise PoolAway(type(error).__name__) from error

    async def begin(self, key: CounterKey, spent: Mapping[UUID, int]) -> None:
        """See `Pool`."""
        rows = [_row(key, gateway, Holding(amount, 0, 0), 0) for gateway, amount in {self._me: 0, **spent}.items()]
        try:
            async with self._database.write() as session:
                await session.execute(insert(LeaseRow).on_conflict_do_nothing(), rows)
        except (SQLAlchemyError, OSError) as error:
            raise PoolAway(type(error).__name__) from error

    async def take_rate(self, key: CounterKey, limit: int, need: int) -> Answer:
        """Never asked, since rates are not covered."""
        raise NotImplementedError

    async def sign(self) -> None:
        """See `Pool`."""
        if time.monotonic() - self._signed_s < SIGN_S:
            return
        try:
            async with self._database.write() as session:
                await self._sign(session)
        except (SQLAlchemyError, OSError) as error:
            raise PoolAway(type(error).__name__) from error

    async def close(self) -> None:
        """The database belongs to others."""

    async def _declare(
        self, session: AsyncSession, key: CounterKey, limit: int, have: Holding, need: int
    ) -> Answer | None:
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"{key.who} {key.name} {key.label}"))))
        here = (LeaseRow.who == key.who, LeaseRow.name == key.name, LeaseRow.label == key.label)
        rows = list(await session.scalars(select(LeaseRow).where(*here)))
        if not rows:
            return None
        now_ms = await self._sign(session)
        seen = {row.gateway_id: row.seen_ms for row in await session.scalars(select(GatewayRow))}
        others = [row for row in rows if row.gateway_id != self._me]
        alive = [o for o in others if now_ms - seen.get(o.gateway_id, 0) < self._timeout_ms]
        answer = divide(
            limit,
            have,
            need,
            [Holding(o.spent, o.held, o.free) for o in alive],
            [o.spent for o in others if o not in alive],
            scarce=any(row.short_until_ms > now_ms for row in rows),
        )
        short_until_ms = now_ms + SHORT_MS if need > 0 and not answer.granted else 0
        mine = _row(key, self._me, Holding(have.spent, have.held, have.free + answer.granted), short_until_ms)
        await _put(session, mine)
        wanted = any(o.short_until_ms > now_ms for o in alive)
        return Answer(answer.granted, answer.left, answer.idle, answer.held, wanted=wanted)

    async def _sign(self, session: AsyncSession) -> int:
        """The database's time; a sign of life when the last is a while ago."""
        now_ms = int(await session.scalar(NOW_MS) or 0)
        if time.monotonic() - self._signed_s < SIGN_S:
            return now_ms
        statement = insert(GatewayRow).values(gateway_id=self._me, seen_ms=now_ms)
        await session.execute(statement.on_conflict_do_update(index_elements=["gateway_id"], set_={"seen_ms": now_ms}))
        self._signed_s = time.monotonic()
        return now_ms


def _row(key: CounterKey, gateway_id: UUID, have: Holding, short_until_ms: int) -> dict[str, object]:
    return {
        "who": key.who,
        "name": key.name,
        "label": key.label,
        "gateway_id": gateway_id,
        "spent": have.spent,
        "held": have.held,
        "free": have.free,
        "short_until_ms": short_until_ms,
    }


async def _put(session: AsyncSession, row: dict[str, object]) -> None:
    statement = insert(LeaseRow).values(**row)
    changes = {name: statement.excluded[name] for name in ("spent", "held", "free", "short_until_ms")}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["who", "name", "label", "gateway_id"], set_=changes)
    )
