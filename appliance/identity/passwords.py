"""Password hashes (Argon2id, parameters of RFC 9106's second recommendation), computed off the event loop."""

import asyncio
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from appliance.identity.errors import WeakPassword


@dataclass(frozen=True, slots=True)
class HashCost:
    """How dear a guess is. No setting: a cheaper one helps nobody but tests, whose people have no secrets."""

    passes: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 2


class Passwords:
    """Hashes and checks. At most `parallel` at once: each takes 64 MiB."""

    def __init__(self, *, min_length: int, parallel: int = 2, cost: HashCost | None = None) -> None:
        cost = cost or HashCost()
        self._hasher = PasswordHasher(cost.passes, cost.memory_kib, cost.lanes)
        self.min_length = min_length
        self._slots = asyncio.Semaphore(parallel)
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """Raises WeakPassword."""
        if len(password) < self.min_length:
            raise WeakPassword(f"The password has fewer than {self.min_length} characters.")
        if len(password) > 1024:
            raise WeakPassword("The password has more than 1,024 characters.", remedy="Choose a shorter one.")
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Compare; without a hash (unknown or service account) the same work is done, so that time tells nothing."""
        async with self._slots:
            return await asyncio.to_thread(self._matches, password_hash, password[:1024])

    def _matches(self, password_hash: str | None, password: str) -> bool:
        if self._decoy is None:
            self._decoy = self._hasher.hash("a password that nobody has")
        try:
            self._hasher.verify(password_hash or self._decoy, password)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
        return bool(password_hash)
