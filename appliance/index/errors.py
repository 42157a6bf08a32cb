"""What can go wrong with the index."""

from appliance.foundation import CapacityError, Conflict, DefectError


class IndexUnavailable(CapacityError):
    """The store did not answer in time."""

    code = "index_unavailable"
    remedy = "Try again in a moment; 'GET /health/ready' shows the state."


class IndexLocked(Conflict):
    """Another process has the embedded index open."""

    code = "index_locked"
    remedy = "Stop the other appliance on this data folder, or set [index] url to a Qdrant server."


class SpaceMismatch(DefectError):
    """A space exists with another vector size."""

    code = "space_mismatch"
