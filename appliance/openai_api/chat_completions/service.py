"""Chat completions: an engine's model gets the rebuilt request, an assistant a turn."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from appliance.foundation import Lane
from appliance.identity import Principal
from appliance.openai_api.calls import EngineCall, EngineCalls, Opened
from appliance.openai_api.chat_completions.assistants import AssistantCalls
from appliance.openai_api.chat_completions.checked import CheckedStream, CheckedWhole, NewForm
from appliance.openai_api.chat_completions.messages import measured
from appliance.openai_api.chat_completions.prepare import Prepared, once_more, prepare
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest, Message, StreamOptions, asks_for_usage
from appliance.openai_api.errors import invalid_body
from appliance.openai_api.fields import CHAT
from appliance.openai_api.served import ServedModel, ServedModels

AFFINITY_CHARACTERS = 512
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
            raise invalid_body(error, CHAT) from error

    async def open(self, principal: Principal, request: ChatCompletionRequest, lane: Lane = "interactive") -> Opened:
        """Begin the work; the caller reads and closes it.

        Raises:
            ModelNotFound: neither an engine's model nor an assistant.
            UnsupportedValue: the model cannot do this.
            UnsupportedSchema: a schema cannot be held by decoding.
            LimitExceeded: a limit of the caller is reached.
            UpstreamRefused: the engine cannot serve the request as it is.
            EngineUnavailable: no engine answers, or it broke before the first byte.
        """
        if self._assistants.knows(request.model):
            return await self._assistants.open(principal, request)
        model = self._served.get(request.model, "chat")
        if request.service_tier == "flex":
            lane = "batch"
        tokens = measured(request, model)
        bound = request.tools or request.response_format  # only then there may be a second try, from what was asked
        asked = msgspec.structs.replace(request) if bound else request
        prepared = prepare(request, model)
        opened = await self._calls.open(principal, self._engine_call(prepared, model, tokens, lane))
        form = prepared.form
        if form is None:
            return opened
        if opened.streams:
            return CheckedStream(opened, form)

        async def again() -> tuple[Opened, NewForm]:
            second = once_more(asked, model)
            call = self._engine_call(second, model, tokens, lane)
            return await self._calls.open(principal, call), second.form or form

        return CheckedWhole(opened, form, again)

    def _engine_call(self, prepared: Prepared, model: ServedModel, prompt_tokens: int, lane: Lane) -> EngineCall:
        request = prepared.request
        with_usage = asks_for_usage(request.stream_options)
        request.stream_options = StreamOptions(include_usage=True) if request.stream else UNSET
        choices = request.n or 1

        def body() -> bytes:
            if prepared.format is None:
                return self._encoder.encode(request)
            return self._encoder.encode({**msgspec.to_builtins(request), "response_format": prepared.format})

        def shortened(tokens: int) -> bytes:
            request.max_tokens = max(1, tokens // choices)
            return body()

        return EngineCall(
            model_id=request.model,
            endpoint="chat/completions",
            body=body(),
            prompt_tokens=prompt_tokens,
            max_tokens=min(request.max_tokens or model.context_tokens, model.context_tokens) * choices,
            stream=bool(request.stream),
            with_usage=with_usage,
            lane=lane,
            affinity=_beginning(request.messages),
            shortened=shortened,
        )


def _beginning(messages: Sequence[Message]) -> bytes:
    """How a conversation begins; cheap also when it begins with a picture."""
    texts = (m.content for m in messages[:2] if isinstance(m.content, str))
    return "\n".join(text[:AFFINITY_CHARACTERS] for text in texts).encode()
