"""Text completions, as the engine makes them."""

import msgspec
from msgspec import UNSET

from appliance.foundation import Lane
from appliance.identity import Principal
from appliance.openai_api.calls import EngineCall, EngineCalls, Opened
from appliance.openai_api.chat_completions.wire import StreamOptions, asks_for_usage
from appliance.openai_api.completions.wire import CompletionRequest
from appliance.openai_api.errors import InvalidBody, invalid_body
from appliance.openai_api.fields import COMPLETIONS
from appliance.openai_api.served import ServedModels

DEFAULT_TOKENS = 16
"""OpenAI's default length, which clients of this old endpoint expect."""


MOST_PROMPTS = 16


class Completions:
    """Rebuilds requests from the allowlist."""

    def __init__(self, served: ServedModels, calls: EngineCalls) -> None:
        self._served = served
        self._calls = calls
        self._decoder = msgspec.json.Decoder(CompletionRequest)

    async def begin(self, principal: Principal, body: bytes) -> Opened:
        """From the bytes of a request. Raises as `ChatCompletions.open` does."""
        return await self._open(principal, self._read(body), "interactive")

    async def whole_raw(self, principal: Principal, body: bytes, lane: Lane) -> bytes:
        """Bytes in, bytes out, nothing streamed."""
        request = self._read(body)
        request.stream, request.stream_options = False, UNSET
        return await (await self._open(principal, request, lane)).whole()

    def _read(self, body: bytes) -> CompletionRequest:
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise invalid_body(error, COMPLETIONS) from error

    async def _open(self, principal: Principal, request: CompletionRequest, lane: Lane) -> Opened:
        model = self._served.get(request.model, "chat")
        prompts = prompts_of(request)
        request.user = UNSET
        with_usage = asks_for_usage(request.stream_options)
        request.stream_options = StreamOptions(include_usage=True) if request.stream else UNSET
        answers = (request.n or 1) * len(prompts)

        def shortened(tokens: int) -> bytes:
            request.max_tokens = max(1, tokens // answers)
            return msgspec.json.encode(request)

        longest = min(request.max_tokens or DEFAULT_TOKENS, model.context_tokens)
        call = EngineCall(
            model_id=request.model,
            endpoint="completions",
            body=msgspec.json.encode(request),
            prompt_tokens=sum(len(p) // 4 + 1 if isinstance(p, str) else len(p) for p in prompts),
            max_tokens=longest * answers,
            stream=bool(request.stream),
            with_usage=with_usage,
            lane=lane,
            affinity=str(prompts[0][:1024]).encode(),
            shortened=shortened,
        )
        return await self._calls.open(principal, call)


def prompts_of(request: CompletionRequest) -> list[str | list[int]]:
    """Each prompt, as text or as token numbers. Raises InvalidBody for a mixture, or too many."""
    given = request.prompt
    if isinstance(given, str):
        return [given]
    numbers = [p for p in given if isinstance(p, int)]
    if len(numbers) == len(given):
        return [numbers]
    prompts = [p for p in given if not isinstance(p, int)]
    kinds = {type(p) for p in given}
    if len(kinds) > 1 or len(prompts) > MOST_PROMPTS:
        raise InvalidBody(f"'prompt' may be up to {MOST_PROMPTS} texts, or lists of numbers.", param="prompt")
    return prompts
