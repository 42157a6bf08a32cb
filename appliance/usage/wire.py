"""Requests and replies about limits and usage."""

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

Amount = Annotated[int, Meta(ge=0, le=10**15)] | None | UnsetType


class LimitChange(Struct, forbid_unknown_fields=True):
    """What is not named stays; null removes. The names are those of `values.py`; a test compares them."""

    requests_per_minute: Amount = UNSET
    tokens_per_minute: Amount = UNSET
    concurrent_requests: Amount = UNSET
    requests_per_day: Amount = UNSET
    tokens_per_day: Amount = UNSET
    engine_seconds_per_day: Amount = UNSET
    requests_per_month: Amount = UNSET
    tokens_per_month: Amount = UNSET
    engine_seconds_per_month: Amount = UNSET
    requests_total: Amount = UNSET
    tokens_total: Amount = UNSET
    engine_seconds_total: Amount = UNSET


class SubjectLimits(Struct):
    """The limits that are set for one subject."""

    who: str
    name: str
    limits: dict[str, int]


class Standing(Struct):
    """One limit that a caller has to pass, and what is left of it."""

    who: str
    limit: str
    amount: int
    remaining: int


class UsedReply(Struct):
    """A row of a report."""

    what: str
    name: str
    requests: int
    failed: int
    unsettled: int
    prompt_tokens: int
    completion_tokens: int
    engine_seconds: float


class OwnUsage(Struct):
    first: date
    last: date
    total: UsedReply
    models: list[UsedReply]
    limits: list[Standing]


class UsageReport(Struct):
    by: str
    first: date
    last: date
    rows: list[UsedReply]
