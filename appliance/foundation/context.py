"""What belongs to the request in work, for whoever writes a log line or calls an engine on its behalf."""

from contextvars import ContextVar

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request in work; empty outside of one. A task that a request starts inherits it."""
