"""From a filter to rows: what the database can decide is asked of it, and the rest is decided on resources here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from scim2_models.path import AttrPath, Comparison, FilterNode, LogicalExpr
from sqlalchemy import ColumnElement, and_, false, func, or_, select

from appliance.identity.models import GroupParentRow, GroupRow, MembershipRow, UserRow

SCANNED_AT_MOST = 5000
"""Resources that one filter may look at when the database cannot decide it."""

Condition = Callable[[str, Any], ColumnElement[bool] | None]
"""From an operator and a value to SQL; None: the database cannot decide it."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A condition that every wanted row fulfils; `exact` when no other row does."""

    where: ColumnElement[bool] | None
    exact: bool


def narrowed(node: FilterNode, columns: Mapping[str, Condition]) -> Narrowed:
    """What SQL can do for this filter."""
    if isinstance(node, Comparison):
        condition = columns.get(_name(node.attr_path))
        where = None if condition is None else condition(str(node.op), node.value)
        return Narrowed(where, where is not None)
    if isinstance(node, LogicalExpr):
        parts = [narrowed(term, columns) for term in node.terms]
        known = [part.where for part in parts if part.where is not None]
        exact = all(part.exact for part in parts)
        if str(node.op) == "and":
            return Narrowed(and_(*known) if known else None, exact)
        return Narrowed(or_(*known), exact) if len(known) == len(parts) else Narrowed(None, False)
    return Narrowed(None, False)


def _name(path: AttrPath) -> str:
    return path.attr.lower() if path.sub_attr is None else f"{path.attr}.{path.sub_attr}".lower()


def _text(column: Any, *, lower: bool) -> Condition:
    """Of a column that is kept in lower case, or compared as it is."""

    def condition(op: str, value: Any) -> ColumnElement[bool] | None:
        if not isinstance(value, str):
            return None
        wanted = value.lower() if lower else value
        found: ColumnElement[bool] | None = {"eq": column == wanted}.get(op)
        if lower and found is None and wanted.isascii():  # how other letters are folded differs between databases
            likes = {"sw": column.startswith, "ew": column.endswith, "co": column.contains}
            return likes[op](wanted, autoescape=True) if op in likes else None
        return found

    return condition


def _id(column: Any) -> Condition:
    def condition(op: str, value: Any) -> ColumnElement[bool] | None:
        if op != "eq":
            return None
        try:
            return column == UUID(str(value))  # type: ignore[no-any-return]
        except ValueError:
            return false()

    return condition


def _displayed(op: str, value: Any) -> ColumnElement[bool] | None:
    """Names are kept as they are written; only of plain letters do databases agree how they are folded."""
    if not isinstance(value, str) or not value.isascii():
        return None
    return _text(func.lower(GroupRow.name), lower=True)(op, value)


def _member(op: str, value: Any) -> ColumnElement[bool] | None:
    if op != "eq":
        return None
    try:
        member = UUID(str(value))
    except ValueError:
        return false()
    people = select(MembershipRow.group_id).where(MembershipRow.user_id == member)
    inner = select(GroupParentRow.parent_id).where(GroupParentRow.group_id == member)
    return or_(GroupRow.id.in_(people), GroupRow.id.in_(inner))


def _active(op: str, value: Any) -> ColumnElement[bool] | None:
    return UserRow.disabled.is_(not value) if op == "eq" and isinstance(value, bool) else None


USER_COLUMNS: Mapping[str, Condition] = {
    "id": _id(UserRow.id),
    "username": _text(UserRow.email, lower=True),
    "externalid": _text(UserRow.external_id, lower=False),
    "active": _active,
}
GROUP_COLUMNS: Mapping[str, Condition] = {
    "id": _id(GroupRow.id),
    "externalid": _text(GroupRow.external_id, lower=False),
    "displayname": _displayed,
    "members.value": _member,
}
