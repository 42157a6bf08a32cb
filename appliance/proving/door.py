"""How the appliance is asked: what this room needs of an HTTP client."""

from collections.abc import AsyncIterator
from typing import Any, Protocol


class Door(Protocol):
    """Calls with the rights of an administrator, and knocks with none."""

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One JSON call. Raises ApplianceError: it was refused, or nobody answers."""

    def events(self, method: str, path: str, body: Any = None) -> AsyncIterator[tuple[str, Any]]:
        """(name, data) of each server-sent event. Raises ApplianceError."""

    def bytes(self, method: str, path: str, body: Any = None) -> AsyncIterator[bytes]:
        """A reply as it comes. Raises ApplianceError."""

    async def knock(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON value of a call without any credential. Raises ApplianceError: nobody answers."""
