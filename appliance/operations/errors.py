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


class UpgradeUnfinished(Conflict):
    """An upgrade was interrupted, and its hosts may have parts of two releases."""

    code = "upgrade_unfinished"
    remedy = "Run 'appliance upgrade' with its bundle again, which finishes it, or 'appliance rollback'."


class UpgradeTakenBack(OperationFailed):
    """An upgrade failed after it had begun, and the release before runs again, with all data."""

    code = "upgrade_taken_back"
    remedy = "Nothing is lost. Give the sentence to whoever made the release; an upgrade to a better one starts anew."


class HostNeeded(Conflict):
    """A host cannot be taken out without users noticing it."""

    code = "host_needed"
    remedy = "Announce a pause and stop its units by hand, or give the work to another host in the description first."


class HostsOut(Conflict):
    """Some hosts are out for maintenance, and this operation would start what runs on them."""

    code = "hosts_out"
    remedy = "Bring them back first: 'appliance drain --host NAME --undo'."
