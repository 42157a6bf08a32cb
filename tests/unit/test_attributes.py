"""Conditions on attributes mean in SQL what they mean in words."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from appliance.identity.models import UserRow
from appliance.library.attributes import (
    AllOf,
    AnyOf,
    AttributeFilter,
    Comparison,
    attributes_of,
    condition,
    replace_attributes,
)
from appliance.library.models import CollectionRow, DocumentRow
from appliance.storage import Database, StorageSettings
from tests.support.databases import Databases

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWNER, COLLECTION = uuid.UUID(int=1), uuid.UUID(int=2)
PLACE = {"collection_id": COLLECTION, "name": "a.txt", "created_at": NOW, "updated_at": NOW}
KEYS = ("a", "b")
VALUES = (1, 2, 2.5, -1, 0, "1", "x", "", True, False)
value = st.sampled_from(VALUES)
number = st.sampled_from([v for v in VALUES if not isinstance(v, str | bool)])
one = st.builds(
    lambda key, operator, of: Comparison(key, operator, (of,)),
    st.sampled_from(KEYS),
    st.sampled_from(("eq", "ne")),
    value,
)
ordered = st.builds(
    lambda key, operator, of: Comparison(key, operator, (of,)),
    st.sampled_from(KEYS),
    st.sampled_from(("gt", "gte", "lt", "lte")),
    number,
)
several = st.builds(
    lambda key, operator, of: Comparison(key, operator, tuple(of)),
    st.sampled_from(KEYS),
    st.sampled_from(("in", "nin")),
    st.lists(value, min_size=1, max_size=3),
)
filters = st.recursive(
    one | ordered | several,
    lambda inner: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from((AllOf, AnyOf)),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)
documents = st.lists(st.dictionaries(st.sampled_from(KEYS), value), min_size=1, max_size=6)


def holds(where: AttributeFilter, has: dict[str, Any]) -> bool:
    if isinstance(where, AllOf):
        return all(holds(f, has) for f in where.filters)
    if isinstance(where, AnyOf):
        return any(holds(f, has) for f in where.filters)
    there = where.key in has
    equal = there and any(same(has[where.key], v) for v in where.values)
    if where.operator in ("eq", "in"):
        return equal
    if where.operator in ("ne", "nin"):
        return not equal
    if not there or isinstance(has[where.key], str | bool):
        return False
    left, right = has[where.key], where.values[0]
    assert not isinstance(right, str)
    return bool({"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[where.operator])


def same(left: object, right: object) -> bool:
    """1, "1" and True are three things."""
    kinds = [str if isinstance(x, str) else bool if isinstance(x, bool) else float for x in (left, right)]
    return kinds[0] is kinds[1] and left == right


@pytest.fixture
async def database(each_databases: Databases, tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(StorageSettings(each_databases.new(tmp_path), tmp_path))
    async with opened.write() as session:
        session.add(UserRow(id=OWNER, email="a@x.test", name="a", roles="user", password_hash="", created_at=NOW))
        await session.flush()
        model = {"embedding_model": "m", "dimension": 3, "max_tokens": 10}
        session.add(CollectionRow(**model, id=COLLECTION, name="c", owner_id=OWNER, created_at=NOW))
    yield opened
    await opened.close()


@given(has=documents, where=filters)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_condition_finds_what_it_says(
    database: Database, has: list[dict[str, Any]], where: AttributeFilter
) -> None:
    """Each example in a transaction of its own that is rolled back."""
    ids = [uuid.uuid4() for _ in has]
    async with database.read() as session:
        for key, values in zip(ids, has, strict=True):
            session.add(DocumentRow(id=key, path=str(key), **PLACE))
            await session.flush()
            await replace_attributes(session, key, values)
        await session.flush()
        found = set(await session.scalars(select(DocumentRow.id).where(DocumentRow.id.in_(ids), condition(where))))
        read = await attributes_of(session, ids)
    assert found == {key for key, values in zip(ids, has, strict=True) if holds(where, values)}
    for key, values in zip(ids, has, strict=True):
        assert read.get(key, {}) == values
        assert {k: type(v) for k, v in read.get(key, {}).items()} == {k: type(v) for k, v in values.items()}
