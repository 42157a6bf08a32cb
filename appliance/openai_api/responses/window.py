"""Prompts that fit the model's window: fewer sources, and with `truncation: auto` fewer old messages.

Whole passages and whole exchanges are left out, never cut. The engine's own tokenizer counts; estimates only choose how
much to leave out before counting again.
"""

from collections.abc import Sequence

from appliance.answers import sources_text
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest, Message
from appliance.openai_api.served import ServedModel
from appliance.openai_api.translation import TokenCounter
from appliance.openai_api.vector_stores.search import SearchHit

ANSWER_TOKENS = 1024
"""Kept free for an answer whose length nobody bounded, in a large window; a quarter of a small one."""

ROUNDS = 8
"""Counts at most; each leaves out at least one thing more."""


class Window:
    """Fits prompts into windows."""

    def __init__(self, counter: TokenCounter) -> None:
        self._counter = counter

    async def with_sources(
        self, chat: ChatCompletionRequest, model: ServedModel, passages: Sequence[SearchHit]
    ) -> list[SearchHit]:
        """Put as many of the best passages into the system message as fit; which they are.

        Changes `chat.messages`. Without passages the model is told that nothing was found.
        """
        plain, kept = list(chat.messages), list(passages)
        room = model.context_tokens - _answer(chat, model.context_tokens)
        for _ in range(ROUNDS):
            chat.messages = _with_system(plain, sources_text([hit.passage for hit in kept]))
            tokens = await self._counter.count(chat, model)
            if tokens <= room or not kept:
                return kept
            del kept[max(1, len(kept) * room // (tokens * 2)) if len(kept) > 1 else 0 :]
        return kept

    async def truncated(self, chat: ChatCompletionRequest, model: ServedModel, *, window_tokens: int) -> None:
        """Leave out the oldest exchanges until the prompt fits. Changes `chat.messages`.

        The system message and the last question stay; a prompt that is too long even so is the engine's to refuse.
        """
        room = window_tokens - _answer(chat, window_tokens)
        for _ in range(ROUNDS):
            tokens = await self._counter.count(chat, model)
            if tokens <= room:
                return
            rest = without_oldest(chat.messages, share=1 - room / tokens)
            if len(rest) == len(chat.messages):
                return
            chat.messages = rest


def without_oldest(messages: Sequence[Message], *, share: float) -> list[Message]:
    """Without the oldest exchanges, about this share of the text and at least one exchange.

    An exchange begins with a message of the user: so a tool's result never stands without its call.
    """
    head = [m for m in messages[:1] if m.role == "system"]
    said = list(messages[len(head) :])
    starts = [at for at, message in enumerate(said) if message.role == "user"][1:]
    if not starts:
        return list(messages)
    too_much, gone = share * sum(_size(m) for m in said), 0
    for start in starts:
        gone = sum(_size(m) for m in said[:start])
        if gone >= too_much:
            return [*head, *said[start:]]
    return [*head, *said[starts[-1] :]]


def _answer(chat: ChatCompletionRequest, window_tokens: int) -> int:
    """Tokens to keep free for the answer."""
    return chat.max_completion_tokens or min(ANSWER_TOKENS, window_tokens // 4)


def _with_system(messages: Sequence[Message], text: str) -> list[Message]:
    if messages and messages[0].role == "system":
        return [Message("system", content=f"{messages[0].content}\n\n{text}"), *messages[1:]]
    return [Message("system", content=text), *messages]


def _size(message: Message) -> int:
    if isinstance(message.content, str):
        return len(message.content)
    return sum(len(getattr(part, "text", "")) for part in message.content or ()) + 1
