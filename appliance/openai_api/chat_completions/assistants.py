"""An assistant's turn in the shape of a chat completion."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import msgspec

from appliance.answers import (
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    Answers,
    Assistants,
    Citation,
    HistoryTurn,
    TokenDelta,
    Turn,
    TurnMeter,
    metered_events,
    metered_turn,
)
from appliance.edge import sse
from appliance.foundation import CapacityError, InvalidInput, new_id
from appliance.identity import Principal, require_assistant
from appliance.openai_api.chat_completions.reply import (
    Annotation,
    AnswerMessage,
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    Delta,
    UrlCitation,
    UsageReply,
)
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest, Message, TextPart, asks_for_usage
from appliance.openai_api.errors import UnsupportedValue, error_event
from appliance.usage import Usage

DONE = b"data: [DONE]\n\n"


class AnswerBroken(CapacityError):
    """An assistant's answer broke off."""

    code = "answer_failed"


class AnswerRefused(AnswerBroken):
    """The same, with the code that the answer gave."""

    def __init__(self, event: AnswerFailed) -> None:
        super().__init__(event.message, retry_after_s=event.retry_after_s or 5.0)
        self.code = event.code  # type: ignore[misc]  # one class for all codes of the room below


class AssistantCalls:
    """Opens turns with assistants."""

    def __init__(self, answers: Answers, assistants: Assistants, usage: Usage, *, public_url: str) -> None:
        self._answers = answers
        self._assistants = assistants
        self._usage = usage
        self._public_url = public_url.rstrip("/")

    def knows(self, model: str) -> bool:
        return self._assistants.find(model) is not None

    async def open(self, principal: Principal, request: ChatCompletionRequest) -> "AssistantCall":
        """Raises OutsideKeyScope, LimitExceeded, InvalidInput, UnsupportedValue."""
        require_assistant(principal, request.model)
        turn = self._turn(request)
        meter = await metered_turn(self._usage, self._answers, principal, turn, "chat/completions")
        events = metered_events(meter, self._answers.answer(principal.scope(), meter.turn))
        return AssistantCall(request, events, meter, self._public_url)

    def _turn(self, request: ChatCompletionRequest) -> Turn:
        if request.tools or (request.response_format and request.response_format.type != "text"):
            raise UnsupportedValue(
                f"The assistant '{request.model}' answers in text with citations.",
                remedy="Leave out tools and response_format, or name an engine's model.",
            )
        spoken = [(m.role, _text(m)) for m in request.messages if m.role in ("user", "assistant")]
        if not spoken or spoken[-1][0] != "user" or not spoken[-1][1].strip():
            raise InvalidInput("The last message must be the user's question.", remedy="Put it last with role 'user'.")
        history, question = [], ""
        for role, text in spoken[:-1]:
            if role == "user":
                question = text
            elif question:
                history.append(HistoryTurn(question=question, answer=text))
                question = ""
        return Turn(
            question=spoken[-1][1],
            assistant=self._assistants.get(request.model),
            history=tuple(history),
            collection_ids=None,
        )


class AssistantCall:
    """`Opened`, by an assistant. The annotations come with the last delta, as their places are known then."""

    def __init__(
        self,
        request: ChatCompletionRequest,
        events: AsyncGenerator[AnswerEvent],
        meter: TurnMeter,
        public_url: str,
    ) -> None:
        self.headers = meter.headers
        self.streams = bool(request.stream)
        self._model = request.model
        self._with_usage = asks_for_usage(request.stream_options)
        self._events = events
        self._meter = meter
        self._public_url = public_url
        self._chunks = self._stream()

    async def read(self) -> bytes:
        return await anext(self._chunks, b"")

    async def whole(self) -> bytes:
        """Raises AnswerBroken."""
        try:
            async for event in self._events:
                if isinstance(event, AnswerFailed):
                    raise AnswerRefused(event)
                if isinstance(event, AnswerFinished):
                    return msgspec.json.encode(self._completion(event))
        finally:
            await self.aclose()
        raise AnswerBroken("The answer ended without a result.")

    async def aclose(self) -> None:
        await self._chunks.aclose()
        await self._events.aclose()
        self._meter.settle()  # also when nobody has asked for the first event

    async def _stream(self) -> AsyncGenerator[bytes]:
        head = (f"chatcmpl-{new_id().hex}", int(datetime.now(UTC).timestamp()), self._model)
        yield _chunk(head, Delta(role="assistant", content=""))
        sent = ""
        async for event in self._events:
            if isinstance(event, TokenDelta):
                sent += event.text
                yield _chunk(head, Delta(content=event.text))
            elif isinstance(event, AnswerFailed):
                yield sse(None, error_event(AnswerRefused(event)))
                return
            elif isinstance(event, AnswerFinished):
                rest = event.text[len(sent) :] if event.text.startswith(sent) else ""
                yield _chunk(head, Delta(content=rest, annotations=self._annotations(event)))
                yield _chunk(head, Delta(), finish_reason=event.finish_reason)
                if self._with_usage:
                    yield sse(None, ChatCompletionChunk(*head, choices=[], usage=_usage(event)))
        yield DONE

    def _completion(self, event: AnswerFinished) -> ChatCompletion:
        return ChatCompletion(
            id=f"chatcmpl-{new_id().hex}",
            created=int(datetime.now(UTC).timestamp()),
            model=self._model,
            choices=[
                Choice(
                    message=AnswerMessage(content=event.text, annotations=self._annotations(event)),
                    finish_reason=event.finish_reason,
                )
            ],
            usage=_usage(event),
        )

    def _annotations(self, event: AnswerFinished) -> list[Annotation]:
        return [self._annotation(event.text, c) for c in event.citations]

    def _annotation(self, text: str, citation: Citation) -> Annotation:
        mark = f"[{citation.number}]"
        at = text.find(mark)
        page = f"?page={citation.page}&passage={citation.passage_id}" if citation.page else ""
        return Annotation(
            url_citation=UrlCitation(
                url=f"{self._public_url}/library/{citation.collection_id}/{citation.document_id}{page}",
                title=citation.document_name,
                start_index=max(0, at),
                end_index=at + len(mark) if at >= 0 else len(text),
                document_id=citation.document_id,
                version=citation.version_number,
                page=citation.page,
                quote=citation.quote,
            )
        )


def _chunk(head: tuple[str, int, str], delta: Delta, finish_reason: str | None = None) -> bytes:
    return sse(None, ChatCompletionChunk(*head, choices=[ChunkChoice(delta=delta, finish_reason=finish_reason)]))


def _usage(event: AnswerFinished) -> UsageReply:
    return UsageReply(
        prompt_tokens=event.prompt_tokens,
        completion_tokens=event.completion_tokens,
        total_tokens=event.prompt_tokens + event.completion_tokens,
    )


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(p.text for p in message.content or [] if isinstance(p, TextPart))
