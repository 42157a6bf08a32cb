"""How many tokens a prompt is, by the engine's own tokenizer and chat template."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Struct, UnsetType

from appliance.inference import Engines, EngineUnavailable, Forward
from appliance.openai_api.chat_completions.wire import Message, Tool
from appliance.openai_api.errors import refusal

REPLY_BYTES = 4_000_000
"""An engine lists the tokens as well; of a prompt that fits a window it is never more."""


class _Ask(Struct):
    model: str
    messages: Sequence[Message]
    tools: Sequence[Tool] | UnsetType = UNSET


class _Count(Struct):
    count: int


class TokenCounter:
    """Asks the engine that would answer."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def count(self, model_id: str, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        """Tokens of the prompt that these messages become.

        Raises:
            ModelUnknown: no such model is configured.
            EngineUnavailable: the engine does not answer.
            UpstreamRefused: the chat template cannot take these messages.
        """
        body = msgspec.json.encode(_Ask(model_id, messages, tools or UNSET))
        reply = await self._engines.forward(Forward(model_id, "/tokenize", body))
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
