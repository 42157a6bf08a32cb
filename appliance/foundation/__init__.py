"""What every room may use: errors, ids, the clock, lanes, the request in work, the log, ends in bounded time.

Imports nothing of ours.
"""

from appliance.foundation import bare  # noqa: F401 - before whoever loads structlog
from appliance.foundation.clock import Clock, SystemClock
from appliance.foundation.context import TRAIL, Caller, Span, Tracer, Trail, note_error, traced
from appliance.foundation.ending import end_within
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
from appliance.foundation.lease import LEASE, Lease, explain_cancelled, rests_on
from appliance.foundation.logs import configure_logging, tell_lost_errors
from appliance.foundation.room import DiskFull, disk_full, require_room
from appliance.foundation.secretfiles import SecretUnusable, read_secret

__all__ = [
    "LEASE",
    "TRAIL",
    "ApplianceError",
    "Caller",
    "CallerError",
    "CapacityError",
    "Clock",
    "Conflict",
    "DefectError",
    "DiskFull",
    "InvalidInput",
    "Lane",
    "Lease",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "SecretUnusable",
    "Span",
    "SystemClock",
    "Tracer",
    "Trail",
    "configure_logging",
    "disk_full",
    "end_within",
    "explain_cancelled",
    "new_id",
    "note_error",
    "read_secret",
    "require_room",
    "rests_on",
    "tell_lost_errors",
    "traced",
]
