"""What every room may use: errors, ids, the clock, lanes, the request in work, the log. Imports nothing of ours."""

from appliance.foundation.clock import Clock, SystemClock
from appliance.foundation.context import TRAIL, Caller, Span, Tracer, Trail, note_error, traced
from appliance.foundation.errors import (
    ApplianceError,
    CallerError,
    CapacityError,
    Conflict,
    DefectError,
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
)
from appliance.foundation.ids import new_id
from appliance.foundation.lanes import Lane
from appliance.foundation.logs import configure_logging, tell_lost_errors

__all__ = [
    "TRAIL",
    "ApplianceError",
    "Caller",
    "CallerError",
    "CapacityError",
    "Clock",
    "Conflict",
    "DefectError",
    "InvalidInput",
    "Lane",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "Span",
    "SystemClock",
    "Tracer",
    "Trail",
    "configure_logging",
    "new_id",
    "note_error",
    "tell_lost_errors",
    "traced",
]
