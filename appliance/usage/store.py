"""Queries of limits and usage."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.storage import Base, Database
from appliance.usage.batch import Batch
from appliance.usage.models import JournalRow, LedgerRow, LimitChangeRow, LimitRow, SpentRow
from appliance.usage.told import called

LEDGER_SUMS = ("requests", "failed", "unsettled", "prompt_tokens", "completion_tokens", "milliseconds")
SPENT_SUMS = ("requests", "prompt_tokens", "completion_tokens", "milliseconds")


class UsageStore:
    """The tables of this room."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def limits(self) -> tuple[int, dict[str, dict[str, int]]]:
        """The number of the last change, and every limit: subject → name → amount."""
        found: dict[str, dict[str, int]] = {}
        async with self._database.read() as session:
            number = await session.scalar(select(LimitChangeRow.number)) or 0
            for row in await session.scalars(select(LimitRow).order_by(LimitRow.who, LimitRow.name)):
                found.setdefault(row.who, {})[row.name] = row.amount
        return number, found

    async def change_number(self) -> int:
        """Of the last change of any limit; 0 when there was none."""
        async with self._database.read() as session:
            return await session.scalar(select(LimitChangeRow.number)) or 0

    async def change_limits(self, who: str, values: Mapping[str, int | None]) -> None:
        """Set amounts; None removes one."""
        async with self._database.write() as session:
            for name, amount in values.items():
                await session.execute(delete(LimitRow).where(LimitRow.who == who, LimitRow.name == name))
                if amount is not None:
                    session.add(LimitRow(who=who, name=name, amount=amount))
                    await session.flush()
            await self._count_change(session)
            await record(session, _limits_changed(who, values))

    async def remove_limits(self, who: str) -> bool:
        """Remove all limits of a subject; whether there were any."""
        async with self._database.write() as session:
            gone = await session.execute(delete(LimitRow).where(LimitRow.who == who))
            await self._count_change(session)
            await record(session, _limits_changed(who, {"all": None}))
        return bool(getattr(gone, "rowcount", 0))

    async def applied_through(self, gateway_id: UUID) -> int:
        """Last sequence of a gateway's journal that is in the tables."""
        async with self._database.read() as session:
            row = await session.get(JournalRow, gateway_id)
        return row.applied_through if row else 0

    async def apply(self, gateway_id: UUID, batch: Batch) -> None:
        """Add a batch, once: doing it again, after an answer that did not arrive, changes nothing."""
        ledger = [
            dict(
                zip(
                    ("day", "user_id", "key_id", "model_id", "endpoint", "lane", *LEDGER_SUMS),
                    (day, UUID(bytes=user), UUID(bytes=key), *rest, *sums),
                    strict=True,
                )
            )
            for (day, user, key, *rest), sums in batch.ledger.items()
        ]
        spent = [
            {"who": who, "day": day, "gateway_id": gateway_id, **dict(zip(SPENT_SUMS, sums, strict=True))}
            for (who, day), sums in batch.spent.items()
        ]
        async with self._database.write() as session:
            row = await session.get(JournalRow, gateway_id, with_for_update=True)
            if row is not None and row.applied_through >= batch.through:
                return
            if row is None:
                session.add(JournalRow(gateway_id=gateway_id, applied_through=batch.through))
            else:
                row.applied_through = batch.through
            await self._add(session, LedgerRow, ledger, LEDGER_SUMS)
            await self._add(session, SpentRow, spent, SPENT_SUMS)
            for event in called(batch.calls):
                await record(session, event)

    async def spent(self, who: str, today: date) -> dict[UUID, dict[str, tuple[int, int, int]]]:
        """What was charged to a subject: gateway → `day`, `month`, `total` → requests, tokens, milliseconds."""
        amounts = (SpentRow.requests, SpentRow.prompt_tokens + SpentRow.completion_tokens, SpentRow.milliseconds)
        sums = [
            func.sum(case((SpentRow.day >= first_day, amount), else_=0))
            for first_day in (today, today.replace(day=1), date.min)
            for amount in amounts
        ]
        query = select(SpentRow.gateway_id, *sums).where(SpentRow.who == who).group_by(SpentRow.gateway_id)
        async with self._database.read() as session:
            rows = (await session.execute(query)).all()
        return {
            row[0]: {
                period: (int(row[at]), int(row[at + 1]), int(row[at + 2]))
                for period, at in (("day", 1), ("month", 4), ("total", 7))
            }
            for row in rows
        }

    async def _add(
        self, session: AsyncSession, table: type[Base], rows: list[dict[str, Any]], sums: tuple[str, ...]
    ) -> None:
        if not rows:
            return
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        statement = insert(table)
        columns = table.__table__.columns
        changes = {name: columns[name] + statement.excluded[name] for name in sums}
        keys = list(table.__table__.primary_key)
        # In the order of the key: two gateways that write the same rows must not wait for each other in a circle.
        ordered = sorted(rows, key=lambda row: [str(row[key.name]) for key in keys])
        await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), ordered)

    async def _count_change(self, session: AsyncSession) -> None:
        await session.execute(update(LimitChangeRow).values(number=LimitChangeRow.number + 1))


def _limits_changed(who: str, values: Mapping[str, int | None]) -> Event:
    return Event("limits.changed", who, details=dict(values))
