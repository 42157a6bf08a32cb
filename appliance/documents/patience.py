"""Waiting for what is down or busy: engine, index, database.

That is nobody's fault of the document in work, so it costs no try. Bad files and defects are not waited for.
"""

import errno
import threading
from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from appliance.foundation import CapacityError, disk_full

log = structlog.get_logger(__name__)

T = TypeVar("T")
BUSY = (CapacityError, OperationalError, InterfaceError, PoolTimeout)
"""What passes by itself or is mended by somebody; the same step succeeds then."""


FULL = (errno.ENOSPC, errno.EDQUOT)


class Stopping(BaseException):
    """The process ends. No `Exception`, so that the job store notes no failure and the next start goes on."""


class Patience:
    """Does a step again until it is through, with pauses that grow up to a bound. For threads."""

    def __init__(self, first_s: float = 1.0, longest_s: float = 30.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._stopping = threading.Event()

    def end(self) -> None:
        """Whoever waits, or fails from now on, raises Stopping."""
        self._stopping.set()

    def outwait(self, step: Callable[[], T], tell: Callable[[str], None]) -> T:
        """The step's result.

        Args:
            step: May be done again.
            tell: Gets a sentence for people about what is waited for, before each pause.

        Raises:
            Stopping: the process ends.
            Exception: what the step raises beside a lack of capacity.
        """
        pause_s = self._first_s
        while not self._stopping.is_set():
            try:
                return step()
            except BUSY as error:
                reason = waiting_for(error)
                log.warning("a document waits", reason=reason, pause_s=pause_s)
            except Exception as error:
                if self._stopping.is_set():
                    break  # whatever fails while the process ends is no failure of the step
                if not (isinstance(error, OSError) and error.errno in FULL):
                    raise
                reason = waiting_for(disk_full())
                log.warning("a document waits", reason=reason, pause_s=pause_s)
            tell(reason)
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, self._longest_s)
        raise Stopping


def waiting_for(error: Exception) -> str:
    """In words for people; a driver's message would name tables and addresses."""
    return f"waiting: {error.message}" if isinstance(error, CapacityError) else "waiting: The database does not answer."
