"""Calls of the appliance's own endpoints, from inside."""

from typing import Any

import msgspec

from appliance.identity import Principal
from appliance.openai_api.hot import Open

Value = dict[str, Any]


class Asker:
    """One caller and one model."""

    def __init__(self, principal: Principal, model: str) -> None:
        self._principal = principal
        self.model = model

    async def whole(self, begin: Open, **body: Any) -> Value:
        """The JSON value of a reply. Raises ApplianceError, as the endpoint does."""
        opened = await begin(self._principal, self._body(body))
        try:
            return msgspec.json.decode(await opened.whole(), type=Value)
        finally:
            await opened.aclose()

    async def events(self, begin: Open, **body: Any) -> list[Value]:
        """The values of a stream, without the mark of its end. Raises ApplianceError."""
        opened = await begin(self._principal, self._body({**body, "stream": True}))
        data = b""
        try:
            while part := await opened.read():
                data += part
        finally:
            await opened.aclose()
        lines = [line.removeprefix(b"data: ") for line in data.splitlines() if line.startswith(b"data: {")]
        return [msgspec.json.decode(line, type=Value) for line in lines]

    def _body(self, body: Value) -> bytes:
        return msgspec.json.encode({"model": self.model, **body})
