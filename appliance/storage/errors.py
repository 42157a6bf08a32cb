"""What a database that cannot be asked now is called."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from appliance.foundation import CapacityError

AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""What drivers raise when the server is gone, full or too busy, and no statement of ours is at fault."""


class DatabaseUnavailable(CapacityError, SQLAlchemyError):
    """The database did not take a transaction; nothing of it was kept, or its answer to the commit was lost.

    Also an error of SQLAlchemy, so that whoever lives with a database that is away lives with this.
    """

    code, status = "database_unavailable", 503  # type: ignore[misc] # SQLAlchemy has a `code` of its own for each error
    remedy = "Try again shortly; an administrator finds the reason in the log."

    def __str__(self) -> str:
        return self.message


def is_away(error: DBAPIError | PoolTimeout) -> bool:
    """SQLite's driver calls a wrong statement by the same name as a full disk; that one is a defect of ours."""
    cause = getattr(error, "orig", None)
    return not isinstance(cause, sqlite3.Error) or cause.sqlite_errorname != "SQLITE_ERROR"
