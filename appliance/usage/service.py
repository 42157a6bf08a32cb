"""The one way to be allowed a call."""

from appliance.identity import Principal
from appliance.usage.port import Ask, Reservation, Spent


class Usage:
    """Nobody has a limit yet."""

    async def reserve(self, principal: Principal, ask: Ask) -> Reservation:  # noqa: ARG002 - nobody has a limit yet
        """The right to make the call."""
        return _Free()


class _Free:
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def settle(self, spent: Spent) -> None:
        """Nothing to give back."""
