"""Work that a transaction does last, just before its commit."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.foundation import DefectError

LATE = "storage.late"

Work = Callable[[AsyncSession], Awaitable[None]]


def before_commit(session: AsyncSession, work: Work) -> None:
    """Have `work` done when all else of the transaction is, in order of these calls; what it raises undoes everything.

    For what takes a lock that others want too: taken last it is held shortly, and its holder waits for no other.

    Raises:
        DefectError: the session is one of `Database.read`, which commits nothing.
    """
    late: list[Work] | None = session.info.get(LATE)
    if late is None:
        raise DefectError("Something was to be written in a session that only reads.")
    late.append(work)


async def do_late(session: AsyncSession) -> None:
    """All of it, after everything else was sent to the database."""
    late: list[Work] = session.info[LATE]
    if late:
        await session.flush()
        for work in late:
            await work(session)
