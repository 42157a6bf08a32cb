"""Messages: a chat completion in Anthropic's shapes."""

import msgspec

from appliance.foundation import Lane, new_id
from appliance.identity import Principal, require_model
from appliance.openai_api.calls import Opened
from appliance.openai_api.chat_completions.service import ChatCompletions
from appliance.openai_api.errors import UnsupportedValue, invalid_body
from appliance.openai_api.fields import MESSAGES
from appliance.openai_api.messages.machine import MessageMachine
from appliance.openai_api.messages.translate import chat_request, prompt_of
from appliance.openai_api.messages.wire import (
    CountReply,
    CountRequest,
    Message,
    MessagesRequest,
    ThinkingAdaptive,
    ThinkingEnabled,
    Usage,
)
from appliance.openai_api.messages.written import WrittenMessage
from appliance.openai_api.served import ServedModels
from appliance.openai_api.translation import TokenCounter


class Messages:
    """Nothing is kept; an assistant may be the model as well."""

    def __init__(self, served: ServedModels, chat: ChatCompletions, counter: TokenCounter) -> None:
        self._served = served
        self._chat = chat
        self._counter = counter
        self._decoder = msgspec.json.Decoder(MessagesRequest)

    async def begin(self, principal: Principal, body: bytes) -> Opened:
        """From the bytes of a request. Raises InvalidBody, and what `ChatCompletions.open` raises."""
        return await self.open(principal, self.read(body), "interactive")

    async def whole_raw(self, principal: Principal, body: bytes, lane: Lane) -> bytes:
        """The same for work that nobody streams: bytes in, bytes out."""
        request = self.read(body)
        request.stream = False
        return await (await self.open(principal, request, lane)).whole()

    def read(self, body: bytes) -> MessagesRequest:
        """Raises InvalidBody."""
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise invalid_body(error, MESSAGES) from error

    async def open(self, principal: Principal, request: MessagesRequest, lane: Lane) -> Opened:
        chat = await self._chat.open(principal, chat_request(request), lane)
        message = Message(id=f"msg_{new_id().hex}", model=request.model, content=[], usage=Usage())
        thinks = (
            isinstance(request.thinking, ThinkingEnabled | ThinkingAdaptive) and request.thinking.display != "omitted"
        )
        return WrittenMessage(chat, MessageMachine(message, thinks=thinks, stop_sequences=request.stop_sequences or ()))

    async def count_tokens(self, principal: Principal, request: CountRequest) -> CountReply:
        """Tokens of the prompt, by the engine's own tokenizer and chat template.

        Raises:
            OutsideKeyScope: the caller's key may not use the model.
            ModelNotFound: no such model is served.
            UnsupportedValue: an assistant, whose prompt is not known before it has searched; or no model that chats.
            EngineUnavailable: the engine does not answer.
        """
        if self._chat.is_assistant(request.model):
            raise UnsupportedValue(f"What the assistant '{request.model}' reads is known only when it has searched.")
        require_model(principal, request.model)
        model = self._served.get(request.model, "chat")
        return CountReply(await self._counter.count(prompt_of(request), model))
