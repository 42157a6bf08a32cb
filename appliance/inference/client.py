"""What we say to engines, and how their answers are read. Nothing here knows how an engine came to run."""

import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

import msgspec
from msgspec import UNSET

from appliance.inference.errors import EngineUnavailable, PromptTooLong
from appliance.inference.port import ChatDelta, ChatMessage, ChatRequest, UpstreamReply, Usage
from appliance.inference.sse import data_lines
from appliance.inference.transport import BROKE_OFF, EngineTransport, Transport
from appliance.inference.wire import (
    WireChat,
    WireChoiceConstraint,
    WireChunk,
    WireEmbed,
    WireEmbedReply,
    WireErrorReply,
    WireMessage,
    WireModels,
    WireOneToken,
    WireRerank,
    WireRerankReply,
    WireTokenize,
    WireTokenizeReply,
    WireTranscript,
    WireVersion,
)

T = TypeVar("T")
BOUNDARY = b"appliance-8b1f0c6d2f7e4a53"
"""Between the parts of a form; it does not occur in what we send."""


class ModelClient:
    """What the product asks of a model, over a way to one engine or to a pool of them."""

    def __init__(self, transport: Transport, model_id: str) -> None:
        self._transport = transport
        self._model = model_id

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """Generate. Closing the iterator closes the connection, which aborts the request in the engine."""
        reply = await self._transport.post("/v1/chat/completions", msgspec.json.encode(_chat(request)))
        try:
            await _refuse(reply)
            async with aclosing(data_lines(_chunks(reply))) as lines:
                async for line in lines:
                    if line == b"[DONE]":
                        return
                    yield _delta(line)
            raise EngineUnavailable(BROKE_OFF)
        finally:
            reply.close()

    async def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """By the engine's own tokenizer and chat template."""
        body = WireTokenize(self._model, [WireMessage(m.role, m.content) for m in messages])
        raw = await self._call("/tokenize", msgspec.json.encode(body))
        return _decode(raw, WireTokenizeReply).count

    async def embed(self, texts: Sequence[str], *, dimension: int, max_tokens: int) -> list[list[float]]:
        """Unit vectors in order.

        Raises:
            EngineUnavailable: no answer, or vectors that cannot be right.
        """
        body = WireEmbed(self._model, list(texts), max_tokens)
        raw = await self._call("/v1/embeddings", msgspec.json.encode(body))
        found = sorted(_decode(raw, WireEmbedReply).data, key=lambda v: v.index)
        vectors = [v.embedding for v in found]
        if len(vectors) != len(texts) or any(len(v) != dimension for v in vectors):
            raise EngineUnavailable(f"The engine's vectors do not have {dimension} dimensions.")
        return [_unit(v) for v in vectors]

    async def rerank(self, query: str, documents: Sequence[str]) -> list[float]:
        """Relevance of each document, in order; comparable within one call only. Raises EngineUnavailable."""
        body = msgspec.json.encode(WireRerank(self._model, query, list(documents)))
        raw = await self._call("/v1/rerank", body)
        found = sorted(_decode(raw, WireRerankReply).results, key=lambda r: r.index)
        if [r.index for r in found] != list(range(len(documents))):
            raise EngineUnavailable("The engine did not judge every document.")
        return [r.relevance_score for r in found]

    async def transcribe(self, wav: bytes) -> str:
        """The words of a recording. Raises EngineUnavailable."""
        body = _form({"model": self._model.encode()}, "file", wav)
        headers = ((b"content-type", b"multipart/form-data; boundary=" + BOUNDARY),)
        raw = await _whole(await self._transport.post("/v1/audio/transcriptions", body, headers))
        return _decode(raw, WireTranscript).text

    async def one_token(self, prompt: str) -> None:
        """Generate a single token, whichever. Raises EngineUnavailable."""
        body = WireOneToken(self._model, [WireMessage("user", prompt)])
        await self._call("/v1/chat/completions", msgspec.json.encode(body))

    async def _call(self, path: str, body: bytes) -> bytes:
        return await _whole(await self._transport.post(path, body))


class EngineClient(ModelClient):
    """The same of one certain engine, and what it says of itself."""

    def __init__(self, transport: EngineTransport, model_id: str) -> None:
        super().__init__(transport, model_id)
        self.transport = transport

    async def models(self) -> list[str]:
        """Ids that the engine says it serves. Raises EngineUnavailable."""
        raw = await _whole(await self.transport.get("/v1/models"))
        return [m.id for m in _decode(raw, WireModels).data]

    async def version(self) -> str:
        """What it calls itself, at most 100 characters. Raises EngineUnavailable."""
        return _decode(await _whole(await self.transport.get("/version")), WireVersion).version[:100]

    async def health(self) -> None:
        """Whether its web server says that it is well. Raises EngineUnavailable."""
        await _whole(await self.transport.get("/health"))


def _chat(request: ChatRequest) -> WireChat:
    return WireChat(
        model=request.model_id,
        messages=[WireMessage(m.role, m.content) for m in request.messages],
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        stop=list(request.stop),
        repetition_penalty=request.repetition_penalty,
        seed=UNSET if request.seed is None else request.seed,
        structured_outputs=WireChoiceConstraint(list(request.choices)) if request.choices else UNSET,
    )


async def _chunks(reply: UpstreamReply) -> AsyncGenerator[bytes]:
    while data := await reply.read():
        yield data


async def _whole(reply: UpstreamReply) -> bytes:
    try:
        await _refuse(reply)
        return await _rest(reply)
    finally:
        reply.close()


async def _rest(reply: UpstreamReply) -> bytes:
    return b"".join([data async for data in _chunks(reply)])


def _decode(raw: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise EngineUnavailable("The engine's answer is none of its kind.") from error


def _form(fields: dict[str, bytes], file_field: str, wav: bytes) -> bytes:
    """A multipart form with one recording."""
    head = b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="'
    parts = [head + name.encode() + b'"\r\n\r\n' + value + b"\r\n" for name, value in fields.items()]
    named = head + file_field.encode() + b'"; filename="probe.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    return b"".join([*parts, named, wav, b"\r\n--", BOUNDARY, b"--\r\n"])


def _delta(line: bytes) -> ChatDelta:
    chunk = _decode(line, WireChunk)
    if chunk.error is not None:
        raise EngineUnavailable(BROKE_OFF)
    usage = None
    if chunk.usage is not None:
        usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens or 0)
    if not chunk.choices:
        return ChatDelta(usage=usage)
    first = chunk.choices[0]
    return ChatDelta(text=first.delta.content or "", finish_reason=first.finish_reason, usage=usage)


async def _refuse(reply: UpstreamReply) -> None:
    if reply.status < 400:
        return
    raw = await _rest(reply)
    try:
        error = msgspec.json.decode(raw, type=WireErrorReply)
    except msgspec.MsgspecError:
        error = WireErrorReply()
    message = error.error.message if error.error else error.message
    if reply.status == 400 and ("context length" in message or "max_model_len" in message or "too long" in message):
        raise PromptTooLong("The text is longer than the model's window.")
    raise EngineUnavailable(f"The engine answered {reply.status}.")


def _unit(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(x * x for x in vector))
    if not math.isfinite(length) or length == 0.0:
        raise EngineUnavailable("The engine's vectors are not numbers.")
    return [x / length for x in vector]
