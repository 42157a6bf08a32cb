"""Chat completions: an engine's model gets the rebuilt request, an assistant a turn."""

import msgspec
from msgspec import UNSET

from appliance.foundation import Lane
from appliance.identity import Principal
from appliance.openai_api.calls import EngineCall, EngineCalls, Opened
from appliance.openai_api.chat_completions.assistants import AssistantCalls
from appliance.openai_api.chat_completions.wire import (
    ChatCompletionRequest,
    ImagePart,
    Message,
    StreamOptions,
    TextPart,
)
from appliance.openai_api.errors import UnsupportedValue, invalid_body
from appliance.openai_api.served import ServedModels

IMAGE_TOKENS = 1000
"""What a picture costs, roughly."""
AFFINITY_BYTES = 1024
"""Conversations that begin alike so far share their engine's memory of the beginning."""


class ChatCompletions:
    """The one pipeline of chat: the door of that name, responses, messages and batches all end here."""

    def __init__(self, served: ServedModels, calls: EngineCalls, assistants: AssistantCalls) -> None:
        self._served = served
        self._calls = calls
        self._assistants = assistants
        self._decoder = msgspec.json.Decoder(ChatCompletionRequest)
        self._encoder = msgspec.json.Encoder()

    def is_assistant(self, model: str) -> bool:
        return self._assistants.knows(model)

    async def begin(self, principal: Principal, body: bytes) -> Opened:
        """From the bytes of a request. Raises what `open` raises, and InvalidBody."""
        return await self.open(principal, self.read(body))

    async def whole_raw(self, principal: Principal, body: bytes, lane: Lane) -> bytes:
        """The same for work that nobody streams: bytes in, bytes out. Raises what `open` raises, and InvalidBody."""
        request = self.read(body)
        request.stream, request.stream_options = False, UNSET
        return await (await self.open(principal, request, lane)).whole()

    def read(self, body: bytes) -> ChatCompletionRequest:
        """Raises InvalidBody."""
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise invalid_body(error) from error

    async def open(self, principal: Principal, request: ChatCompletionRequest, lane: Lane = "interactive") -> Opened:
        """Begin the work; the caller reads and closes it.

        Raises:
            ModelNotFound: neither an engine's model nor an assistant.
            UnsupportedValue: the model cannot do this.
            LimitExceeded: a limit of the caller is reached.
            UpstreamRefused: the engine cannot serve the request as it is.
            EngineUnavailable: no engine answers, or it broke before the first byte.
        """
        if self._assistants.knows(request.model):
            return await self._assistants.open(principal, request)
        return await self._calls.open(principal, self._engine_call(request, lane))

    def _engine_call(self, request: ChatCompletionRequest, lane: Lane) -> EngineCall:
        model = self._served.get(request.model, "chat")
        prompt_tokens = sum(_tokens(m) for m in request.messages)
        request.store = request.metadata = request.user = UNSET
        with_usage = isinstance(request.stream_options, StreamOptions) and request.stream_options.include_usage
        request.stream_options = StreamOptions(include_usage=True) if request.stream else UNSET
        choices = request.n or 1

        def shortened(tokens: int) -> bytes:
            request.max_tokens, request.max_completion_tokens = UNSET, max(1, tokens // choices)
            return self._encoder.encode(request)

        longest = request.max_completion_tokens or request.max_tokens or model.context_tokens
        return EngineCall(
            model_id=request.model,
            endpoint="chat/completions",
            body=self._encoder.encode(request),
            prompt_tokens=prompt_tokens,
            max_tokens=min(longest, model.context_tokens) * choices,
            stream=request.stream,
            with_usage=with_usage,
            lane=lane,
            affinity=self._encoder.encode(request.messages[:2])[:AFFINITY_BYTES],
            shortened=shortened,
        )


def _tokens(message: Message) -> int:
    """An estimate; refuses pictures by address on the way."""
    if isinstance(message.content, str):
        return len(message.content) // 4 + 4
    tokens = 4
    for part in message.content or []:
        if isinstance(part, TextPart):
            tokens += len(part.text) // 4
        else:
            _refuse_remote_image(part)
            tokens += IMAGE_TOKENS
    return tokens


def _refuse_remote_image(part: ImagePart) -> None:
    """The appliance fetches nothing that a caller names: images come inside the request."""
    if not part.image_url.url.startswith("data:image/"):
        raise UnsupportedValue("Images by address are not fetched.", remedy="Send a data:image/… URL.")
