"""Why a request is not let through now. All are 429 but the last two.

* CapacityError
    * LimitExceeded             429, carries the `x-ratelimit-*` headers
        x RequestRateExceeded     rate_limit_exceeded          requests per minute
        x TokenRateExceeded       tokens_limit_exceeded        tokens per minute
        x ConcurrencyExceeded     concurrency_limit_exceeded   requests at once
        x BudgetInUse             budget_in_use                what is left is held by requests that still run
        x QuotaExceeded           insufficient_quota           a budget is used up
    x LimitsUnavailable         503                          gateways cannot agree on what is left
    x JournalUnwritable         503                          what is used could not be kept
"""

from appliance.foundation import CapacityError, InvalidInput

Headers = tuple[tuple[bytes, bytes], ...]


class LimitExceeded(CapacityError):
    """A limit or budget of the caller does not let this request through now."""

    code, status = "rate_limit_exceeded", 429
    remedy = "Wait for as long as 'retry-after' says, then try again."

    def __init__(self, message: str, *, retry_after_s: float, headers: Headers = (), remedy: str | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s, remedy=remedy)
        self.headers = headers


class RequestRateExceeded(LimitExceeded):
    code, status = "rate_limit_exceeded", 429


class TokenRateExceeded(LimitExceeded):
    code, status = "tokens_limit_exceeded", 429
    remedy = "Wait for as long as 'retry-after' says, or ask for fewer tokens with 'max_tokens'."


class ConcurrencyExceeded(LimitExceeded):
    code, status = "concurrency_limit_exceeded", 429
    remedy = "Wait until one of your running requests has ended, then try again."


class BudgetInUse(LimitExceeded):
    """There is a rest of the budget, but running requests may still use it."""

    code, status = "budget_in_use", 429
    remedy = "Wait until one of your running requests has ended, or ask for fewer tokens with 'max_tokens'."


class QuotaExceeded(LimitExceeded):
    code, status = "insufficient_quota", 429
    remedy = "Ask an administrator for a larger budget, or wait until the next period begins."


class LimitsUnavailable(CapacityError):
    """The store that gateways share does not answer, and the part of the limit that is allowed without it is used."""

    code, status = "limits_unavailable", 503
    remedy = "Try again shortly; an administrator finds the reason in the log."


class JournalUnwritable(CapacityError):
    """What a request uses could not be written down, so it does not begin."""

    code, status = "usage_journal_unwritable", 503
    remedy = "Free space on the disk of the data folder."


class UnknownSubject(InvalidInput):
    code = "unknown_subject"
    remedy = "Name 'everyone', or 'user', 'group' or 'key' with the id of one that exists."
