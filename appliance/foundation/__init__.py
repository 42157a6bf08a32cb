"""What every room may use: the error tree, ids, the clock, lanes, the request in work. Imports nothing of ours."""

from appliance.foundation.clock import Clock, SystemClock
from appliance.foundation.context import REQUEST_ID
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

__all__ = [
    "REQUEST_ID",
    "ApplianceError",
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
    "SystemClock",
    "new_id",
]
