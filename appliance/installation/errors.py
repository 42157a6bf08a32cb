"""Why a description is refused."""

from appliance.foundation import InvalidInput


class InstallationInvalid(InvalidInput):
    """The description of an installation cannot be used; the message names the key."""

    code = "installation_invalid"
    remedy = "Correct the description; docs/guides/install.md has every key."
