"""The limits as they are in this process: read once, read again when one was changed."""

from collections.abc import Mapping

from appliance.usage.store import UsageStore
from appliance.usage.values import EVERYONE


class LimitBook:
    """Subject → name → amount."""

    def __init__(self, store: UsageStore, *, concurrent_requests: int) -> None:
        self._store = store
        self._default = {"concurrent_requests": concurrent_requests} if concurrent_requests else {}
        self._limits: dict[str, dict[str, int]] = {}
        self._number = -1

    async def refresh(self) -> bool:
        """Look whether anything was changed, and read it; whether there was."""
        if self._number >= 0 and await self._store.change_number() == self._number:
            return False
        self._number, self._limits = await self._store.limits()
        return True

    def of(self, who: str) -> Mapping[str, int]:
        """What counts for a subject. A user has what is set for `everyone`, where nothing is set for the user."""
        own = self._limits.get(who, {})
        return {**self._default, **self._limits.get(EVERYONE, {}), **own} if who.startswith("user:") else own

    def all(self) -> Mapping[str, Mapping[str, int]]:
        """As they are set."""
        return self._limits
