"""Embeddings, as the engine makes them; prefixes like `query: ` are the caller's to add, as with the model."""

import msgspec
from msgspec import UNSET

from appliance.foundation import Lane
from appliance.identity import Principal
from appliance.openai_api.calls import EngineCall, EngineCalls, Opened
from appliance.openai_api.embeddings.wire import EmbeddingsRequest
from appliance.openai_api.errors import UnsupportedValue, invalid_body
from appliance.openai_api.fields import EMBEDDINGS
from appliance.openai_api.served import ServedModels


class Embeddings:
    """Rebuilds requests from the allowlist."""

    def __init__(self, served: ServedModels, calls: EngineCalls) -> None:
        self._served = served
        self._calls = calls
        self._decoder = msgspec.json.Decoder(EmbeddingsRequest)

    async def begin(self, principal: Principal, body: bytes) -> Opened:
        """From the bytes of a request. Raises as `ChatCompletions.open` does."""
        return await self._open(principal, body, "interactive")

    async def whole_raw(self, principal: Principal, body: bytes, lane: Lane) -> bytes:
        """Bytes in, bytes out."""
        return await (await self._open(principal, body, lane)).whole()

    async def _open(self, principal: Principal, body: bytes, lane: Lane) -> Opened:
        try:
            request = self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise invalid_body(error, EMBEDDINGS) from error
        self._served.get(request.model, "embed")
        request.user = UNSET
        texts = texts_of(request)
        call = EngineCall(
            model_id=request.model,
            endpoint="embeddings",
            body=msgspec.json.encode(request),
            prompt_tokens=sum(len(t) // 4 + 1 for t in texts),
            max_tokens=0,
            lane=lane,
        )
        return await self._calls.open(principal, call)


def texts_of(request: EmbeddingsRequest) -> list[str]:
    """Raises UnsupportedValue for token numbers: they are of another model's tokenizer, hence of other words."""
    given = [request.input] if isinstance(request.input, str) else request.input
    texts = [t for t in given if isinstance(t, str)]
    if len(texts) < len(given):
        raise UnsupportedValue(
            "Token numbers are not taken: clients make them with another model's tokenizer.",
            remedy="Send text; in LangChain with OpenAIEmbeddings(check_embedding_ctx_length=False).",
            param="input",
        )
    return texts
