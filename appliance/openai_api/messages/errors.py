"""What can go wrong with messages."""

from appliance.foundation import InvalidInput


class VersionMissing(InvalidInput):
    """The header that says which version of the shapes the caller knows is missing, or names another."""

    code = "anthropic_version"
    remedy = "Send 'anthropic-version: 2026-10-21' or '2023-06-01', as Anthropic's clients do."
