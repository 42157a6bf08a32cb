"""Events that belong to no transaction of a room: those that wait at the same time share one."""

import asyncio
from collections.abc import Sequence

from appliance.audit.append import append
from appliance.audit.errors import AuditUnwritable
from appliance.audit.events import Entry
from appliance.storage import Database, before_commit

AT_ONCE = 500

Waiting = tuple[Entry, "asyncio.Future[None]"]


class Alone:
    """One per process; used from one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, entry: Entry) -> None:
        """Returns when it is kept. Raises AuditUnwritable. A caller who leaves takes nothing away."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        await asyncio.shield(done)

    async def stop(self) -> None:
        """Wait for what is on its way."""
        if self._writer is not None:
            await asyncio.wait({self._writer})

    async def _write_all(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            failure = await self._write([entry for entry, _ in taken])
            for _, done in taken:
                if done.cancelled():
                    continue
                if failure is None:
                    done.set_result(None)
                else:
                    done.set_exception(failure)

    async def _write(self, entries: Sequence[Entry]) -> BaseException | None:
        """What went wrong. Everything is told to those who wait: the next ones must not wait for ever."""
        try:
            async with self._database.write() as session:
                before_commit(session, lambda late: append(late, entries))
        except AuditUnwritable as error:
            return error
        except Exception as error:  # noqa: BLE001 - the commit itself may fail with whatever the driver raises
            return _unwritable(error)
        return None


def _unwritable(error: Exception) -> AuditUnwritable:
    made = AuditUnwritable(f"The audit took no event ({type(error).__name__}).")
    made.__cause__ = error
    return made
