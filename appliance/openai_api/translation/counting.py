"""How many tokens a prompt is, by the engine's own tokenizer and chat template."""

from copy import copy

import msgspec
from msgspec import UNSET, Struct, UnsetType

from appliance.inference import Engines, EngineUnavailable, Forward
from appliance.openai_api.chat_completions.messages import measured
from appliance.openai_api.chat_completions.prepare import prepare
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest, Message, Tool
from appliance.openai_api.errors import refusal
from appliance.openai_api.served import ServedModel

REPLY_BYTES = 16_000_000
"""An engine lists the tokens as well; of a prompt that fits a window it is never more."""


class _Ask(Struct):
    model: str
    messages: list[Message]
    tools: list[Tool] | UnsetType = UNSET


class _Count(Struct):
    count: int


class TokenCounter:
    """Asks the engine that would answer."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def count(self, chat: ChatCompletionRequest, model: ServedModel) -> int:
        """Tokens of the prompt that the request becomes, with its tools, as the model is told of them.

        Raises:
            UnsupportedValue, UnsupportedSchema: as `ChatCompletions.open`.
            EngineUnavailable: the engine does not answer.
            UpstreamRefused: the chat template cannot take these messages.
        """
        measured(chat, model)
        asked = prepare(copy(chat), model).request
        body = msgspec.json.encode(_Ask(model.id, asked.messages, asked.tools or UNSET))
        reply = await self._engines.forward(Forward(model.id, "/tokenize", body))
        try:
            answer = b""
            while len(answer) < REPLY_BYTES and (data := await reply.read()):
                answer += data
        finally:
            reply.close()
        if reply.status >= 400:
            raise refusal(reply.status, answer)
        try:
            return msgspec.json.decode(answer, type=_Count).count
        except msgspec.MsgspecError as error:
            raise EngineUnavailable("The engine's count cannot be read.") from error
