"""Why a look at a host did not succeed."""

from appliance.foundation import CapacityError


class SupportFailed(CapacityError):
    """A host cannot say what it was asked."""

    code = "support_failed"
    remedy = "Bring the host to its description by 'appliance install', and ask again."
