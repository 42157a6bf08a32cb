"""How operations on hosts fail."""

from appliance.foundation import CapacityError, Conflict


class OperationBusy(Conflict):
    """Another operation on this installation is running."""

    code = "operation_busy"
    remedy = "Wait until it has ended; two at once would undo each other's work."


class OperationFailed(CapacityError):
    """A task failed on a host. Nothing was undone; the same command goes on from there."""

    code = "operation_failed"
    remedy = "Correct what the sentence names, and run the same command again: what is done already is not done twice."
