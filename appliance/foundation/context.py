"""The request in work, for whoever writes a log line, counts, or calls an engine on its behalf."""

from contextvars import ContextVar
from dataclasses import dataclass


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


TRAIL: ContextVar[Trail | None] = ContextVar("trail", default=None)
"""Of the request in work; None outside of one. A task that a request starts inherits it."""


def note_error(code: str) -> None:
    """Write down what the request in work is answered with."""
    trail = TRAIL.get()
    if trail is not None:
        trail.error_code = code
