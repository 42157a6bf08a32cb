"""Whoever has an API key is looked up now and then, also when no event named them.

A federated directory (LDAP, Active Directory) tells Keycloak nothing when somebody leaves a group or the firm, so there
is no event to follow. Sessions are asked about while they are used; keys go with no login, so their owners take turns.
"""

import math
import time
from collections import deque

from sqlalchemy import select

from appliance.foundation import Clock
from appliance.identity.models import ApiKeyRow, UserRow
from appliance.identity.people import read_kind
from appliance.identity.values import Kind
from appliance.storage import Database

ROUND_S = 600.0
"""Everybody with a key is looked up once in this time."""


class Rounds:
    """Of one gateway at a time: who follows the realm."""

    def __init__(self, database: Database, clock: Clock, *, issuer: str, interval_s: float) -> None:
        """`interval_s`: between two calls of `due`."""
        self._database = database
        self._clock = clock
        self._issuer = issuer
        self._interval_s = interval_s
        self._left: deque[tuple[str, Kind]] = deque()
        self._next_round = 0.0
        self._each = 0

    async def due(self) -> dict[str, Kind]:
        """Whose turn it is, by subject; so many that all had theirs when the round is over."""
        now = time.monotonic()
        if not self._left and now >= self._next_round:
            self._left.extend(await self._with_keys())
            self._next_round = now + ROUND_S
            self._each = math.ceil(len(self._left) * self._interval_s / ROUND_S)
        return dict(self._left.popleft() for _ in range(min(self._each, len(self._left))))

    async def _with_keys(self) -> list[tuple[str, Kind]]:
        """Open accounts of the provider with a living key."""
        query = select(UserRow.subject, UserRow.kind).join(ApiKeyRow, ApiKeyRow.user_id == UserRow.id).distinct()
        living = (ApiKeyRow.revoked_at.is_(None), ApiKeyRow.expires_at > self._clock.now())
        is_open = (UserRow.disabled.is_(False), UserRow.withdrawn.is_(False))
        async with self._database.read() as session:
            rows = await session.execute(query.where(UserRow.issuer == self._issuer, *living, *is_open))
            return [(subject, read_kind(kind)) for subject, kind in rows if subject]
