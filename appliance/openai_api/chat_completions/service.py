"""Chat completions by an engine (bytes through) or by an assistant (through `answers`)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET

from appliance.answers import AnswerFailed, AnswerFinished, Answers, Assistants, Citation, HistoryTurn, TokenDelta, Turn
from appliance.edge import sse
from appliance.foundation import CapacityError, InvalidInput, new_id
from appliance.identity import AccessScope
from appliance.inference import Engines, ModelUnknown, UpstreamReply
from appliance.openai_api.chat_completions.wire import (
    Annotation,
    AnswerMessage,
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionRequest,
    Choice,
    ChunkChoice,
    Delta,
    ErrorBody,
    ErrorEvent,
    ImagePart,
    Message,
    StreamOptions,
    TextPart,
    UrlCitation,
    UsageReply,
)
from appliance.openai_api.errors import ModelNotFound, UnsupportedValue
from appliance.openai_api.upstream import checked_body, checked_stream

DONE = b"data: [DONE]\n\n"


class AnswerBroken(CapacityError):
    """An assistant's answer broke off."""

    code = "answer_failed"


class ChatCompletions:
    """Rebuilds requests for engines from the allowlist, and speaks for assistants."""

    def __init__(self, engines: Engines, answers: Answers, assistants: Assistants, *, public_url: str) -> None:
        self._engines = engines
        self._answers = answers
        self._assistants = assistants
        self._public_url = public_url.rstrip("/")

    def is_assistant(self, model: str) -> bool:
        return self._assistants.find(model) is not None

    async def from_engine(self, request: ChatCompletionRequest) -> UpstreamReply:
        """Pass the rebuilt request on.

        Raises:
            ModelNotFound: neither an engine's model nor an assistant.
            UpstreamRefused: the engine cannot serve the request as it is.
            EngineUnavailable: it is starting, or broke before the first byte.
        """
        for message in request.messages:
            _refuse_remote_images(message)
        try:
            facts = self._engines.facts(request.model)
        except ModelUnknown as error:
            raise ModelNotFound(f"The model '{request.model}' does not exist.") from error
        if facts.task != "chat":
            raise UnsupportedValue(f"'{request.model}' does not chat; its task is {facts.task}.")
        request.store = request.metadata = request.user = UNSET
        asked_for_usage = isinstance(request.stream_options, StreamOptions) and request.stream_options.include_usage
        request.stream_options = StreamOptions(include_usage=asked_for_usage) if request.stream else UNSET
        body = msgspec.json.encode(request)
        reply = await self._engines.passthrough(request.model, "/v1/chat/completions", body)
        return checked_stream(reply) if request.stream else await checked_body(reply)

    async def from_assistant(self, scope: AccessScope, request: ChatCompletionRequest) -> ChatCompletion:
        """The whole answer at once. Raises AnswerBroken, InvalidInput."""
        async with aclosing(self._answers.answer(scope, self._turn(request))) as events:
            async for event in events:
                if isinstance(event, AnswerFailed):
                    raise AnswerBroken(event.message, retry_after_s=event.retry_after_s or 5.0)
                if isinstance(event, AnswerFinished):
                    return self._completion(request.model, event)
        raise AnswerBroken("The answer ended without a result.")

    async def stream_from_assistant(self, scope: AccessScope, request: ChatCompletionRequest) -> AsyncGenerator[bytes]:
        """Chunks in OpenAI's shape; the annotations come with the last delta, as their places are known then."""
        head = (f"chatcmpl-{new_id().hex}", int(datetime.now(UTC).timestamp()), request.model)
        with_usage = isinstance(request.stream_options, StreamOptions) and request.stream_options.include_usage
        yield _chunk(head, Delta(role="assistant", content=""))
        sent = ""
        async with aclosing(self._answers.answer(scope, self._turn(request))) as events:
            async for event in events:
                if isinstance(event, TokenDelta):
                    sent += event.text
                    yield _chunk(head, Delta(content=event.text))
                elif isinstance(event, AnswerFailed):
                    yield sse(None, ErrorEvent(ErrorBody(event.message, "server_error", event.code)))
                    return
                elif isinstance(event, AnswerFinished):
                    rest = event.text[len(sent) :] if event.text.startswith(sent) else ""
                    last = Delta(content=rest, annotations=self._annotations(event))
                    yield _chunk(head, last)
                    yield _chunk(head, Delta(), finish_reason=event.finish_reason)
                    if with_usage:
                        empty = ChatCompletionChunk(*head, choices=[], usage=_usage(event))
                        yield sse(None, empty)
        yield DONE

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

    def _completion(self, model: str, event: AnswerFinished) -> ChatCompletion:
        return ChatCompletion(
            id=f"chatcmpl-{new_id().hex}",
            created=int(datetime.now(UTC).timestamp()),
            model=model,
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


def _refuse_remote_images(message: Message) -> None:
    """The appliance fetches nothing that a caller names: images come inside the request."""
    for part in message.content if isinstance(message.content, list) else []:
        if isinstance(part, ImagePart) and not part.image_url.url.startswith("data:image/"):
            raise UnsupportedValue("Images by address are not fetched.", remedy="Send a data:image/… URL.")
