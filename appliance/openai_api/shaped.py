"""Replies that are put into the documented shape, instead of passing as the engine made them."""

from collections.abc import Callable

import msgspec

from appliance.inference import EngineUnavailable
from appliance.openai_api.calls import Opened


class Shaped:
    """`Opened`, one JSON value that is put into its shape before it goes out."""

    streams = False

    def __init__(self, opened: Opened, shape: Callable[[bytes], bytes]) -> None:
        self._opened = opened
        self._shape = shape
        self.headers = opened.headers

    async def read(self) -> bytes:
        """Never asked: this is no stream."""
        return b""

    async def whole(self) -> bytes:
        """Raises EngineUnavailable when the reply is not what was asked for."""
        body = await self._opened.whole()
        try:
            return self._shape(body)
        except msgspec.ValidationError as error:
            raise EngineUnavailable("The engine answered in a shape that is not known.") from error

    async def aclose(self) -> None:
        await self._opened.aclose()
