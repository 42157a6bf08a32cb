"""Talks to one engine over HTTP. Nothing here knows how the engine came to run."""

import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import aiohttp
import msgspec
from msgspec import UNSET

from appliance.inference.errors import EngineUnavailable, PromptTooLong
from appliance.inference.port import ChatDelta, ChatMessage, ChatRequest, UpstreamReply, Usage
from appliance.inference.sse import data_lines
from appliance.inference.wire import (
    WireChat,
    WireChoiceConstraint,
    WireChunk,
    WireEmbed,
    WireEmbedReply,
    WireErrorReply,
    WireMessage,
    WireRerank,
    WireRerankReply,
    WireTokenize,
    WireTokenizeReply,
    WireTranscript,
)

JSON = {"content-type": "application/json"}
NOTHING_FOR_S = 120.0
"""An engine that sends nothing for this long, in the middle of an answer, is given up."""

BROKE_OFF = "The engine broke off."


class EngineClient:
    """One engine at `base_url` (`http://host:port/v1`). The session is shared and belongs to the caller."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, model_id: str) -> None:
        self._session = session
        self._base = base_url.rstrip("/")
        self._root = self._base.removesuffix("/v1")
        self._model = model_id

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """Generate. Closing the iterator closes the connection, which aborts the request in the engine."""
        body = msgspec.json.encode(_chat(request))
        try:
            async with self._post("/chat/completions", body) as reply:
                await _refuse(reply)
                async with aclosing(_data(reply)) as lines:
                    async for line in lines:
                        if line == b"[DONE]":
                            return
                        yield _delta(line)
                raise EngineUnavailable(BROKE_OFF)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EngineUnavailable(BROKE_OFF) from error

    async def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """By the engine's own tokenizer and chat template."""
        body = WireTokenize(self._model, [WireMessage(m.role, m.content) for m in messages])
        raw = await self._call(f"{self._root}/tokenize", msgspec.json.encode(body))
        return msgspec.json.decode(raw, type=WireTokenizeReply).count

    async def embed(self, texts: Sequence[str], *, dimension: int, max_tokens: int) -> list[list[float]]:
        """Unit vectors in order.

        Raises:
            EngineUnavailable: no answer, or vectors that cannot be right.
        """
        body = WireEmbed(self._model, list(texts), max_tokens)
        raw = await self._call(f"{self._base}/embeddings", msgspec.json.encode(body))
        found = sorted(msgspec.json.decode(raw, type=WireEmbedReply).data, key=lambda v: v.index)
        vectors = [v.embedding for v in found]
        if len(vectors) != len(texts) or any(len(v) != dimension for v in vectors):
            raise EngineUnavailable(f"The engine's vectors do not have {dimension} dimensions.")
        return [_unit(v) for v in vectors]

    async def rerank(self, query: str, documents: Sequence[str]) -> list[float]:
        """Relevance of each document, in order; comparable within one call only. Raises EngineUnavailable."""
        body = msgspec.json.encode(WireRerank(self._model, query, list(documents)))
        raw = await self._call(f"{self._base}/rerank", body)
        found = sorted(msgspec.json.decode(raw, type=WireRerankReply).results, key=lambda r: r.index)
        if [r.index for r in found] != list(range(len(documents))):
            raise EngineUnavailable("The engine did not judge every document.")
        return [r.relevance_score for r in found]

    async def transcribe(self, wav: bytes) -> str:
        """The words of a recording. Raises EngineUnavailable."""
        form = aiohttp.FormData()
        form.add_field("model", self._model)
        form.add_field("file", wav, filename="probe.wav", content_type="audio/wav")
        url = f"{self._base}/audio/transcriptions"
        try:
            async with self._session.post(url, data=form, timeout=_timeout()) as reply:
                await _refuse(reply)
                return msgspec.json.decode(await reply.read(), type=WireTranscript).text
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EngineUnavailable("The engine does not answer.") from error

    async def passthrough(self, path: str, body: bytes) -> UpstreamReply:
        """Send bytes, give back status and bytes as they come. `path` begins with `/v1`."""
        try:
            context = self._session.post(f"{self._root}{path}", data=body, headers=JSON, timeout=_timeout())
            reply = await context.__aenter__()  # closed by the body's iterator
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EngineUnavailable("The engine does not answer.") from error
        return _Reply(reply)

    async def _call(self, url: str, body: bytes) -> bytes:
        try:
            async with self._session.post(url, data=body, headers=JSON, timeout=_timeout()) as reply:
                await _refuse(reply)
                return await reply.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EngineUnavailable("The engine does not answer.") from error

    def _post(self, path: str, body: bytes) -> "aiohttp.client._RequestContextManager":
        return self._session.post(f"{self._base}{path}", data=body, headers=JSON, timeout=_timeout())


def _timeout() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=NOTHING_FOR_S)


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


async def _data(reply: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
    async for line in data_lines(reply.content.iter_any()):
        yield line


class _Reply:
    """An `UpstreamReply` over aiohttp."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self._reply = reply
        self.status = reply.status
        self.content_type = reply.content_type

    async def read(self) -> bytes:
        try:
            return await self._reply.content.readany()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EngineUnavailable(BROKE_OFF) from error

    def close(self) -> None:
        if self._reply.content.at_eof():
            self._reply.release()
        else:
            self._reply.close()


def _delta(line: bytes) -> ChatDelta:
    chunk = msgspec.json.decode(line, type=WireChunk)
    if chunk.error is not None:
        raise EngineUnavailable(BROKE_OFF)
    usage = None
    if chunk.usage is not None:
        usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens or 0)
    if not chunk.choices:
        return ChatDelta(usage=usage)
    first = chunk.choices[0]
    return ChatDelta(text=first.delta.content or "", finish_reason=first.finish_reason, usage=usage)


async def _refuse(reply: aiohttp.ClientResponse) -> None:
    if reply.status < 400:
        return
    raw = await reply.read()
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
