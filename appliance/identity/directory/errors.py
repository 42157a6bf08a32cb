"""What can go wrong with accounts and groups that are kept elsewhere."""

from appliance.foundation import Conflict, NotAllowed


class NotAdmitted(NotAllowed):
    """The provider knows the caller; the appliance does not let them in."""

    code = "not_admitted"
    remedy = "Ask an administrator to add you to a group that may use the appliance."


class AccountShut(NotAllowed):
    """The caller would be let in, and an administrator or the provisioning client has shut the account."""

    code = "account_shut"
    remedy = "Ask an administrator to open the account again."


class GroupCycle(Conflict):
    """A group would be inside itself."""

    code = "group_cycle"
    remedy = "Take the other group out of this one first."


class KeptElsewhere(Conflict):
    """The identity provider decides about it, so a change here would be undone."""

    code = "kept_elsewhere"
    remedy = "Change it at the identity provider, or use a group of the appliance."


class IdentityTaken(Conflict):
    """Another account has this identity at the provider."""

    code = "identity_taken"
    remedy = "Take it from the other account first."
