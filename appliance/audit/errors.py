"""What can go wrong with the audit.

* CapacityError
    x AuditUnwritable     503   the event could not be written, so the act was not done
* DefectError
    x UnknownAction       500   an act without a line in `actions.py`, or details that cannot be written
"""

from appliance.foundation import CapacityError, DefectError


class AuditUnwritable(CapacityError):
    """The event of an act cannot be written. Nothing was done: an act without its event must not be."""

    code, status = "audit_unwritable", 503
    remedy = "Nothing was changed. Free space on the database's disk, or see why it takes nothing, then try again."


class UnknownAction(DefectError):
    """An event that the closed list of acts does not have, or details that are not plain values."""

    code = "audit_event_invalid"
