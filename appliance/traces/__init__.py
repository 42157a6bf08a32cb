"""Spans of requests for an OpenTelemetry collector, when the settings name one.

Rule: spans hold ids, routes, models and counts; no text of people, documents or engines, and no secret. Without a
collector nothing of OpenTelemetry is imported.
"""

from importlib import import_module
from typing import Protocol

from appliance.foundation import Trail


class Tracing(Protocol):
    """Times requests; `edge` calls it around each."""

    def begin(self, trail: Trail, method: str) -> None:
        """Give the trail its tracer."""
        ...

    def end(self, trail: Trail, endpoint: str, status: int) -> None:
        """The request is over."""
        ...

    def stop(self) -> None:
        """Send what waits, and no more."""
        ...


def open_tracing(endpoint: str) -> Tracing | None:
    """None when there is no collector."""
    if not endpoint:
        return None
    made: Tracing = import_module("appliance.traces.otlp").OtlpTracing(endpoint)
    return made


__all__ = ["Tracing", "open_tracing"]
