"""What must work before requests make sense."""

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance.edge import Dependency
from appliance.index import IndexUnavailable
from appliance.parts import Parts


class Readiness:
    """Asks each part."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def check(self) -> list[Dependency]:
        engines = [
            Dependency(name=f"engine {facts.model_id}", ready=facts.ready, detail=facts.state)
            for facts in self._parts.engines.list_facts()
        ]
        return [await self._database(), await self._index(), *engines]

    async def _index(self) -> Dependency:
        try:
            await self._parts.index.check()
        except IndexUnavailable:
            return Dependency(name="index", ready=False, detail="does not answer")
        return Dependency(name="index", ready=True)

    async def _database(self) -> Dependency:
        try:
            async with self._parts.database.read() as session:
                await session.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError):
            return Dependency(name="database", ready=False, detail="does not answer")
        return Dependency(name="database", ready=True)
