"""The request in work, for whoever writes a log line, counts, or calls an engine on its behalf."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol


class Span(Protocol):
    """A piece of a request's work that is being timed."""

    @property
    def traceparent(self) -> bytes:
        """W3C trace context for calls that are part of it."""
        ...

    def end(self, **facts: str | int) -> None:
        """It is over. Never pass text of people or documents."""
        ...


class Tracer(Protocol):
    """Makes the spans of one request; there is one only while traces are on."""

    def start(self, name: str) -> Span:
        """Begin a piece of work."""
        ...


class Caller(Protocol):
    """Who makes a request, for whoever writes down what is done."""

    @property
    def actor(self) -> str:
        """`user:<uuid>`."""
        ...

    @property
    def way(self) -> str:
        """How they proved it: `session`, `operator`, or `key:<uuid>`."""
        ...


@dataclass(slots=True)
class Trail:
    """What one request is, and what became of it. The rooms that know a part write it down as they go."""

    request_id: str
    traceparent: bytes = b""
    """W3C trace context for the calls that this request makes; empty when the caller sent none."""
    model_id: str = ""
    """Only of models that are served here; never what a caller typed."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error_code: str = ""
    """Of the error that was answered with, also inside a stream."""
    tracer: Tracer | None = None
    source: str = ""
    """Address that the request came from."""
    caller: Caller | None = None
    """None: not known yet, or nobody."""


TRAIL: ContextVar[Trail | None] = ContextVar("trail", default=None)
"""Of the request in work; None outside of one. A task that a request starts inherits it."""


@contextmanager
def traced(name: str) -> Iterator[None]:
    """Time a piece of work of the request, if traces are on."""
    trail = TRAIL.get()
    if trail is None or trail.tracer is None:
        yield
        return
    span = trail.tracer.start(name)
    try:
        yield
    finally:
        span.end()


def note_error(code: str) -> None:
    """Write down what the request in work is answered with."""
    trail = TRAIL.get()
    if trail is not None:
        trail.error_code = code
