"""Who a credential is, in memory, so that a hot request asks no database (decision 0017).

An entry counts only while all of this holds:

1. Rights have not changed since it was read, as far as this process knows (`generation`).
2. The database was asked for changes a moment ago (`trust_s`); without an answer nothing here is believed.
3. The key or session has not expired by the clock, which is looked at on every hit.

Rule: who reads rights from the database takes `generation` before reading, and hands it over with the result. A change
that came in between has moved it on, and the result is used once but not kept.
"""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.foundation import Clock
from appliance.identity.values import Principal
from appliance.storage import Database

UNKNOWN_S = 5.0
"""How long a credential that nobody has is remembered as such."""


@dataclass(frozen=True, slots=True)
class Known:
    """A good credential."""

    principal: Principal
    until: datetime
    """When the key or session is over if nothing else happens."""
    used_as: UUID | str | None
    """What its use is noted for: a key's id, or the hash of a session's token."""


class RightsCache:
    """Credentials' digests → who they are. No locks and no waiting: it belongs to one event loop."""

    def __init__(
        self,
        clock: Clock,
        *,
        size: int = 50_000,
        unknown_size: int = 10_000,
        trust_s: float = 4.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`trust_s`: seconds after a look at the database; under 5, so that a stalled process stays within five."""
        self._clock = clock
        self._size = size
        self._unknown_size = unknown_size
        self._trust_s = trust_s
        self._monotonic = monotonic
        self._entries: OrderedDict[bytes, tuple[int, Known]] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._version: int | None = None
        self._trusted_until = float("-inf")
        self.generation = 0
        """Moves on whenever rights may have changed."""

    def __len__(self) -> int:
        """Entries held, also those that do not count any more."""
        return len(self._entries)

    @property
    def is_trusted(self) -> bool:
        """Whether the database was asked for changes a moment ago, and answered."""
        return self._monotonic() <= self._trusted_until

    def find(self, digest: bytes) -> Known | None:
        """Who it is, when that is known beyond doubt; else the database must be asked."""
        held = self._entries.get(digest)
        if held is None or held[0] != self.generation or self._monotonic() > self._trusted_until:
            return None
        if held[1].until <= self._clock.now():
            return None
        self._entries.move_to_end(digest)
        return held[1]

    def is_familiar(self, digest: bytes) -> bool:
        """Whether it was good once: worth a question to the database before strangers."""
        return digest in self._entries

    def is_unknown(self, digest: bytes) -> bool:
        """Whether the database said a moment ago that nobody has it."""
        until = self._unknown.get(digest)
        return until is not None and until > self._monotonic()

    def keep(self, digest: bytes, known: Known, generation: int) -> None:
        """Remember; not when rights changed since `generation`."""
        if generation == self.generation:
            self._entries[digest] = (generation, known)
            self._entries.move_to_end(digest)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def keep_unknown(self, digest: bytes, generation: int) -> None:
        """Remember for a moment that nobody has it."""
        self._entries.pop(digest, None)
        if generation == self.generation:
            self._unknown[digest] = self._monotonic() + UNKNOWN_S
            while len(self._unknown) > self._unknown_size:
                self._unknown.popitem(last=False)

    def drop(self) -> None:
        """Rights changed: believe nothing that was read before."""
        self.generation += 1
        self._unknown.clear()

    def confirm(self, version: int, asked_at: float) -> None:
        """The database's count of changes, as it was at `asked_at` or later (of the monotonic clock)."""
        if version != self._version:
            self.drop()
            self._version = version
        self._trusted_until = asked_at + self._trust_s

    def doubt(self) -> None:
        """The database did not say whether rights changed."""
        self._trusted_until = float("-inf")


@asynccontextmanager
async def changing_rights(database: Database, rights: RightsCache) -> AsyncIterator[AsyncSession]:
    """A write that changes somebody's rights: what was known before it counts no more once it is done."""
    try:
        async with database.write() as session:
            yield session
    finally:  # also when the commit failed: nobody knows then whether it happened
        rights.drop()
