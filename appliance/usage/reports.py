"""What was used, summed for those who ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from sqlalchemy import Executable, func, literal, select

from appliance.storage import Database
from appliance.usage.models import LedgerRow, SpentRow

By = Literal["user", "group", "key", "model", "day"]

COLUMNS = {
    "user": LedgerRow.user_id,
    "key": LedgerRow.key_id,
    "model": LedgerRow.model_id,
    "day": LedgerRow.day,
}


@dataclass(frozen=True, slots=True)
class Used:
    """Sums of one row of a report."""

    what: str
    """An id, a model, or a day."""
    requests: int
    failed: int
    unsettled: int
    prompt_tokens: int
    completion_tokens: int
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Span:
    """Days that a report is about, both included."""

    first: date
    last: date


class UsageReports:
    """Reads the ledger. What was settled in the last second may not be in it yet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by(self, by: By, span: Span, *, user_id: UUID | None = None) -> list[Used]:
        """Sums by user, group, key, model or day; most tokens first, days in order. `user_id`: of this user only."""
        query = _of_groups(span) if by == "group" else _of_ledger(by, span, user_id)
        async with self._database.read() as session:
            found = (await session.execute(query)).all()
        rows = [Used(str(row[0]).removeprefix("group:"), *(int(value) for value in row[1:])) for row in found]
        if by == "day":
            return sorted(rows, key=lambda r: r.what)
        return sorted(rows, key=lambda r: (-r.prompt_tokens - r.completion_tokens, r.what))

    async def owners_of_keys(self, span: Span) -> Mapping[str, UUID]:
        """Key → the user to whom it belongs, of all that were used."""
        query = (
            select(LedgerRow.key_id, LedgerRow.user_id)
            .where(LedgerRow.day >= span.first, LedgerRow.day <= span.last)
            .distinct()
        )
        async with self._database.read() as session:
            return {str(row[0]): row[1] for row in await session.execute(query)}


def _of_ledger(by: Literal["user", "key", "model", "day"], span: Span, user_id: UUID | None) -> Executable:
    sums = (
        LedgerRow.requests,
        LedgerRow.failed,
        LedgerRow.unsettled,
        LedgerRow.prompt_tokens,
        LedgerRow.completion_tokens,
        LedgerRow.milliseconds,
    )
    column = COLUMNS[by]
    query = (
        select(column, *(func.sum(amount) for amount in sums))
        .where(LedgerRow.day >= span.first, LedgerRow.day <= span.last)
        .group_by(column)
    )
    return query if user_id is None else query.where(LedgerRow.user_id == user_id)


def _of_groups(span: Span) -> Executable:
    """Charged to groups as they were when each request began."""
    none = literal(0)
    return (
        select(
            SpentRow.who,
            func.sum(SpentRow.requests),
            none,
            none,
            func.sum(SpentRow.prompt_tokens),
            func.sum(SpentRow.completion_tokens),
            func.sum(SpentRow.milliseconds),
        )
        .where(SpentRow.who.startswith("group:"), SpentRow.day >= span.first, SpentRow.day <= span.last)
        .group_by(SpentRow.who)
    )
