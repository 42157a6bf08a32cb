"""Keeps the rights cache honest: looks once a second whether rights changed, whoever changed them."""

import asyncio
import time

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from appliance.identity.models import RightsVersionRow
from appliance.identity.rights import RightsCache
from appliance.identity.used import UsedLog
from appliance.storage import Database

log = structlog.get_logger(__name__)

LOOK_S = 1.0
LOOK_TIMEOUT_S = 2.0
WRITE_S = 10.0
"""Seconds between two writings of when keys and sessions were used."""


class RightsWatch:
    """Two tasks from `start` to `stop`. They are apart, so that a busy writer never delays the look."""

    def __init__(self, database: Database, rights: RightsCache, used: UsedLog) -> None:
        self._database = database
        self._rights = rights
        self._used = used
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        await self.look()
        self._tasks = (asyncio.create_task(self._keep_looking()), asyncio.create_task(self._keep_writing()))

    async def stop(self) -> None:
        """End both tasks, and write down the last uses."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = ()
        self._rights.doubt()
        await self._write()

    async def look(self) -> None:
        """Ask the database for its count of changes. When it does not answer, nothing remembered is believed."""
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S), self._database.read() as session:
                version = await session.scalar(select(RightsVersionRow.version))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            version = None
            log.warning("rights cannot be checked", reason=type(error).__name__)
        if version is None:
            self._rights.doubt()
        else:
            self._rights.confirm(version, asked_at)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def _keep_writing(self) -> None:
        while True:
            await asyncio.sleep(WRITE_S)
            await self._write()

    async def _write(self) -> None:
        try:
            await self._used.write()
        except (SQLAlchemyError, OSError) as error:
            log.warning("last uses are not written yet", reason=type(error).__name__)
