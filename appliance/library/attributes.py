"""Attributes of documents: what programs note about them, and conditions on that for searches and lists.

Values are kept by type, so that 5 and "5" are two things on both databases. A document without a key is `ne` and
`nin` every value, and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.library.models import AttributeRow, DocumentRow

EXACT = 2.0**53
"""Below it a double tells every integer from the next."""

AttributeValue = str | float | bool
Attributes = Mapping[str, AttributeValue]
Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One attribute against a value, or against several with `in` and `nin`; order is for numbers only."""

    key: str
    operator: Operator
    values: tuple[AttributeValue, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    filters: "tuple[AttributeFilter, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    filters: "tuple[AttributeFilter, ...]"


AttributeFilter = Comparison | AllOf | AnyOf


def condition(where: AttributeFilter) -> ColumnElement[bool]:
    """What a row of `documents` must fulfil."""
    if isinstance(where, Comparison):
        return _comparison(where)
    parts = [condition(f) for f in where.filters]
    return and_(*parts) if isinstance(where, AllOf) else or_(*parts)


async def attributes_of(session: AsyncSession, document_ids: Sequence[UUID]) -> dict[UUID, dict[str, AttributeValue]]:
    """Of documents that somebody's scope has found."""
    found: dict[UUID, dict[str, AttributeValue]] = {}
    query = select(AttributeRow).where(AttributeRow.document_id.in_(document_ids)).order_by(AttributeRow.key)
    for row in await session.scalars(query):
        found.setdefault(row.document_id, {})[row.key] = _value(row)
    return found


async def replace_attributes(session: AsyncSession, document_id: UUID, values: Attributes) -> None:
    """All of them at once; the empty mapping takes them away."""
    await session.execute(delete(AttributeRow).where(AttributeRow.document_id == document_id))
    session.add_all(_row(document_id, key, value) for key, value in values.items())


def _comparison(asked: Comparison) -> ColumnElement[bool]:
    if asked.operator in ("eq", "in"):
        return _having(asked.key, or_(*(_equal(v) for v in asked.values)))
    if asked.operator in ("ne", "nin"):
        return not_(_having(asked.key, or_(*(_equal(v) for v in asked.values))))
    bound = float(asked.values[0])  # integers may be larger than a database's own
    ordered = {
        "gt": AttributeRow.number > bound,
        "gte": AttributeRow.number >= bound,
        "lt": AttributeRow.number < bound,
        "lte": AttributeRow.number <= bound,
    }
    return _having(asked.key, ordered[asked.operator])


def _having(key: str, value: ColumnElement[bool]) -> ColumnElement[bool]:
    return DocumentRow.id.in_(select(AttributeRow.document_id).where(AttributeRow.key == key, value))


def _equal(value: AttributeValue) -> ColumnElement[bool]:
    if isinstance(value, bool):
        return AttributeRow.flag.is_(value)
    return AttributeRow.text == value if isinstance(value, str) else AttributeRow.number == float(value)


def _row(document_id: UUID, key: str, value: AttributeValue) -> AttributeRow:
    row = AttributeRow(document_id=document_id, key=key)
    if isinstance(value, bool):
        row.flag = value
    elif isinstance(value, str):
        row.text = value
    else:
        row.number = float(value)
    return row


def _value(row: AttributeRow) -> AttributeValue:
    if row.flag is not None:
        return row.flag
    if row.text is not None:
        return row.text
    number = row.number or 0.0
    whole = number.is_integer() and abs(number) < EXACT
    return int(number) if whole else number  # 5 was sent, so 5 comes back
