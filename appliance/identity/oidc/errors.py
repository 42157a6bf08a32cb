"""What can go wrong between us and an identity provider."""

from appliance.foundation import CapacityError, InvalidInput


class OidcMisconfigured(InvalidInput):
    """The settings of the identity provider cannot be used, or not safely; the message names the key."""

    code = "oidc_misconfigured"
    remedy = "Correct the setting; 'appliance identity check' tries it without switching anything on."


class ProviderUnavailable(CapacityError):
    """The identity provider does not answer, or with something that cannot be used."""

    code = "identity_provider_unavailable"
    remedy = "Try again in a moment; if it stays so, 'appliance identity check' says what is wrong."


class TokenRefused(Exception):
    """A token that does not hold. Callers learn only that it is refused; `reason` is for the log and for `check`.

    `reason` is one of a closed list, in words with underscores; `detail` never holds the token or a secret of it.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
