"""How long API keys count on what the identity provider said last.

A provider that is not followed tells nobody when it shuts somebody out: their session is asked about while it is used,
and their keys, which no login goes with, would work on until they expire. So they count on the last word about their
owner for a time (decision 0028).
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from appliance.identity.models import UserRow

FOREVER = datetime.max.replace(tzinfo=UTC)


class Vouched(NamedTuple):
    """Who answers for an account, and since when."""

    issuer: str | None
    kind: str
    provisioned_by: str
    claims_at: datetime | None
    created_at: datetime


VOUCHED = (UserRow.issuer, UserRow.kind, UserRow.provisioned_by, UserRow.claims_at, UserRow.created_at)
"""The columns of `Vouched`."""


def vouched(row: UserRow) -> Vouched:
    return Vouched(row.issuer, row.kind, row.provisioned_by, row.claims_at, row.created_at)


def keys_until(row: Vouched, confirmed_for: timedelta | None) -> datetime:
    """When the account's keys stop unless the provider vouches for its owner again.

    Of people of the provider only: programs log in by themselves, and what SCIM made SCIM also shuts.
    """
    if confirmed_for is None or row.issuer is None or row.kind != "person" or row.provisioned_by == "scim":
        return FOREVER
    return (row.claims_at or row.created_at) + confirmed_for
