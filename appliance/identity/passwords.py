"""Password hashes (Argon2id, parameters of RFC 9106's second recommendation), computed off the event loop."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from appliance.identity.errors import WeakPassword


class Passwords:
    """Hashes and checks. At most `parallel` at once: each takes 64 MiB."""

    def __init__(self, *, min_length: int, parallel: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=2)
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
