"""Pages by cursor: an object's place in time, so that what comes or goes meanwhile moves nobody else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

T = TypeVar("T")
R = TypeVar("R")
Query = TypeVar("Query", bound="Select[*tuple[Any, ...]]")


@dataclass(frozen=True, slots=True)
class PageAsk:
    """Which objects: those after or before one of them, in order of their creation."""

    limit: int
    newest_first: bool = True
    after: UUID | None = None
    before: UUID | None = None
    """Counts only without `after`. The page ends just before it."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    has_more: bool
    """There is more in the direction that was asked for."""

    def map(self, change: Callable[[T], R]) -> "Page[R]":
        return Page(tuple(change(item) for item in self.items), self.has_more)


def keyset(
    query: Query, created_at: InstrumentedAttribute[datetime], key: InstrumentedAttribute[UUID], ask: PageAsk
) -> Query:
    """`query`, in order, behind the cursor, with one row more than asked for. An unknown cursor finds nothing."""
    cursor = ask.after or ask.before
    downward = ask.newest_first == _forward(ask)
    if cursor is not None:
        moment = select(created_at).where(key == cursor).correlate(None).scalar_subquery()
        beside = key < cursor if downward else key > cursor
        beyond = created_at < moment if downward else created_at > moment
        query = query.where(or_(beyond, and_(created_at == moment, beside)))
    order = (created_at.desc(), key.desc()) if downward else (created_at.asc(), key.asc())
    return query.order_by(*order).limit(ask.limit + 1)


def page_of(found: Sequence[T], ask: PageAsk) -> Page[T]:
    """What `keyset` found, cut to the page and in the order asked for."""
    items = found[: ask.limit]
    return Page(tuple(items if _forward(ask) else reversed(items)), len(found) > ask.limit)


def _forward(ask: PageAsk) -> bool:
    return ask.after is not None or ask.before is None
