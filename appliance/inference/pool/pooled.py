"""A model's pool as a `Transport`, for the product's own calls."""

from collections.abc import Awaitable, Callable

from appliance.foundation import Lane
from appliance.inference.pool.dispatch import RoutedReply
from appliance.inference.port import Forward
from appliance.inference.transport import Headers


class PooledTransport:
    """Each request goes to whichever replica takes it."""

    def __init__(
        self,
        forward: Callable[[Forward], Awaitable[RoutedReply]],
        model_id: str,
        *,
        tokens: int,
        lane: Lane,
        affinity: bytes = b"",
    ) -> None:
        """`tokens`: what a request may cost."""
        self._forward = forward
        self._model_id = model_id
        self._tokens = tokens
        self._lane: Lane = lane
        self._affinity = affinity

    async def post(self, path: str, body: bytes, _: Headers = ()) -> RoutedReply:
        """As `Transport.post`; bodies are JSON."""
        return await self._forward(Forward(self._model_id, path, body, self._lane, self._tokens, self._affinity))
