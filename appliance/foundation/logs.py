"""The process's log: structured lines on stderr, with the request's id, without prompts, documents or secrets.

Two nets below the rule that nobody logs those: what looks like a secret is taken out of every finished line, and an
exception is written as its type and place, without its words, since libraries put values into them (a database error
quotes the row, a parser the text). Errors of ours keep theirs; they are written for people.
"""

import asyncio
import logging
import re
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

from appliance.foundation.context import TRAIL
from appliance.foundation.errors import ApplianceError

FRAMES = 12
"""Innermost calls that are written of an exception."""

QUOTE = r"\\*['\"]?"
SECRETS = re.compile(
    r"\b(pm[a-z]_[A-Za-z0-9]{8})_?[A-Za-z0-9]{20,}(?:_[0-9a-f]{8})?"  # our keys; what identifies one stays
    r"|\b(eyJ)[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)+"  # an identity provider's token
    r"|(?i:(\bbearer\s+))[^\s'\",;]+"
    r"|(?i:((?:password|passwd|secret|api[_-]?key|_token|authorization|cookie)"  # what is named as one
    rf"{QUOTE}\s*[=:]\s*{QUOTE}(?:(?:basic|bearer)\s+)?))[^\s'\",;&\\]+"
    r"|(?<![A-Za-z0-9])[A-Za-z0-9]{43}(?![A-Za-z0-9])"  # a session's token, or another of as many characters
    r"|(\b[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s@'\"]+(?=@)"  # the password of an address
)

LONGEST_LINE = 16_384
"""Characters; of a longer line the rest is cut off, and the cut is seen."""

Event = MutableMapping[str, Any]


def configure_logging(level: str) -> None:
    """Set up both logs of Python, structlog's and the standard library's, to write the same way."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            _name_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _tell_exception,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
            _redact_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_Lines,
    )
    logging.basicConfig(handlers=[_LibraryLines()], level=max(number, logging.WARNING), force=True)


def tell_lost_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Log exceptions that no task awaited; asyncio's own way prints their words."""

    def tell(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        structlog.get_logger(__name__).error("lost error", what=context["message"], exc_info=context.get("exception"))

    loop.set_exception_handler(tell)


def redact(line: str) -> str:
    """The line without what looks like a secret, and not longer than a line may be."""
    told = SECRETS.sub(lambda found: f"{next(filter(None, found.groups()), '')}****", line)
    return told if len(told) <= LONGEST_LINE else told[:LONGEST_LINE] + "…"


def told(error: BaseException) -> str:
    """Types and places of an exception and its causes, outermost first."""
    return " <- ".join(_told_one(link) for link in _chain(error))


def _told_one(error: BaseException) -> str:
    words = f": {error.message}" if isinstance(error, ApplianceError) else ""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    places = " > ".join(f"{f.filename.rpartition('site-packages/')[2]}:{f.lineno} {f.name}" for f in frames)
    return f"{type(error).__qualname__}{words} ({places})"


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(8):
        if link is None:
            return
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _name_request(_logger: object, _method: str, event: Event) -> Event:
    trail = TRAIL.get()
    if trail is not None:
        event["request_id"] = trail.request_id
    return event


def _tell_exception(_logger: object, _method: str, event: Event) -> Event:
    given = event.pop("exc_info", None)
    error = sys.exception() if given is True else given
    if isinstance(error, BaseException):
        event["exception"] = told(error)
    return event


def _redact_line(_logger: object, _method: str, line: Any) -> Any:
    """Last of the processors; structlog's types know events only, what comes here is the finished line."""
    return redact(line)


class _Lines:
    """Writes finished lines; the methods are the levels that structlog calls."""

    def __init__(self, *_: object) -> None:
        """A logger's name is part of no line."""

    def debug(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    info = warning = error = critical = exception = debug


class _LibraryLines(logging.Handler):
    """What libraries log through `logging`: their sentence, in our shape."""

    def emit(self, record: logging.LogRecord) -> None:
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        line = f"timestamp='{stamp}' level='{record.levelname.lower()}' event={record.getMessage()!r}"
        error = record.exc_info[1] if record.exc_info else None
        exception = f" exception={told(error)!r}" if error is not None else ""
        _Lines().warning(redact(f"{line} logger='{record.name}'{exception}"))
