"""Queries of what models were seen to do."""

from collections.abc import Sequence
from datetime import UTC

import msgspec
from sqlalchemy import select

from appliance.audit import Event, record
from appliance.inference.models import ConformanceRow
from appliance.inference.port import CheckResult, Conformance
from appliance.storage import Database


class Conformances:
    """The last check of each model; nothing for a model that was never checked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, found: Conformance) -> None:
        """Takes the place of the model's former one."""
        row = ConformanceRow(
            model_id=found.model_id,
            checked_at=found.checked_at,
            engine=found.engine,
            checks=msgspec.json.encode(found.checks).decode(),
        )
        async with self._database.write() as session:
            await session.merge(row)
            passed = sum(check.outcome == "passed" for check in found.checks)
            details = {"passed": passed, "checks": len(found.checks)}
            await record(session, Event("model.checked", f"model:{found.model_id}", details=details))

    async def all(self) -> dict[str, Conformance]:
        """By model."""
        async with self._database.read() as session:
            rows: Sequence[ConformanceRow] = (await session.scalars(select(ConformanceRow))).all()
        return {row.model_id: _found(row) for row in rows}


def _found(row: ConformanceRow) -> Conformance:
    when = row.checked_at if row.checked_at.tzinfo else row.checked_at.replace(tzinfo=UTC)
    checks = msgspec.json.decode(row.checks, type=tuple[CheckResult, ...])
    return Conformance(row.model_id, when, row.engine, checks)
