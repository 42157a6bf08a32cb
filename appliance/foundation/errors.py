"""The error tree. Rooms raise leaves; `edge/errors.py` alone turns them into HTTP.

* ApplianceError
    * CallerError         the request must change     4xx, logged as a warning
        x InvalidInput      400
        x NotAuthenticated  401
        x NotAllowed        403
        x NotFound          404   (also for things that the caller may not see)
        x Conflict          409
    * CapacityError       retry later                 503, carries `retry_after_s`
    * DefectError         our fault                   500, pages someone
"""

from typing import ClassVar


class ApplianceError(Exception):
    """Base of every error that we raise on purpose.

    `code` is stable and machine-readable; `remedy` is one sentence that names the way out; `param` is the field of the
    request that it is about, dotted, when it is about one.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    remedy: ClassVar[str] = ""

    def __init__(self, message: str, *, remedy: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.way_out = self.remedy if remedy is None else remedy

    def sentence(self) -> str:
        """Cause and way out in one line, as people read it."""
        return f"{self.message} {self.way_out}".strip()


class CallerError(ApplianceError):
    """The request must change before it can succeed."""

    code, status = "invalid_request", 400


class InvalidInput(CallerError):
    """A field has a value that cannot be used."""

    code, status = "invalid_request", 400


class NotAuthenticated(CallerError):
    """Nobody is logged in, or the key is unknown, expired or revoked."""

    code, status = "not_authenticated", 401
    remedy = "Log in, or send a valid key as 'Authorization: Bearer <key>'."


class NotAllowed(CallerError):
    """The caller is known but may not do this."""

    code, status = "not_allowed", 403
    remedy = "Ask the owner or an administrator for access."


class NotFound(CallerError):
    """The thing does not exist, or the caller may not know that it does."""

    code, status = "not_found", 404


class Conflict(CallerError):
    """The request collides with the present state."""

    code, status = "conflict", 409


class CapacityError(ApplianceError):
    """A part that we need is busy, starting or down; the same request may succeed later."""

    code, status = "unavailable", 503

    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Numbers for the caller's program, sent beside `retry-after`."""

    def __init__(self, message: str, *, retry_after_s: float = 5.0, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class DefectError(ApplianceError):
    """An invariant of ours is broken."""

    code, status = "internal_error", 500
    remedy = "Report it with the request id; the log has the cause."
