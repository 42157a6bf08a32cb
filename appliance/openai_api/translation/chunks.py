"""Chat completions as our own door sends them, read back: only the parts that a translation tells on."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing

import msgspec
from msgspec import UNSET, Struct, UnsetType

from appliance.inference import EngineUnavailable

DONE = b"[DONE]"


class TopLogprob(Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None


class Logprob(Struct):
    """One token of the text, with the likeliest others at its place."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[TopLogprob] = []


class Logprobs(Struct):
    content: list[Logprob] | None = None


class FunctionPiece(Struct):
    name: str | None = None
    arguments: str | None = None


class CallPiece(Struct):
    """A piece of a tool call. `index` is missing in whole replies, where the place in the list counts."""

    index: int | None = None
    id: str | None = None
    function: FunctionPiece = msgspec.field(default_factory=FunctionPiece)


class UrlCitation(Struct, omit_defaults=True):
    """An assistant's citation, with page and quoted words beside OpenAI's own fields."""

    url: str
    title: str
    start_index: int
    end_index: int
    document_id: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    page: int | None | UnsetType = UNSET
    quote: str | UnsetType = UNSET


class AnnotationPiece(Struct):
    url_citation: UrlCitation | None = None


class Piece(Struct):
    """What a chunk adds, or a whole message. Engines call the reasoning by two names."""

    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[CallPiece] | None = None
    annotations: list[AnnotationPiece] | None = None


class ChunkChoice(Struct):
    delta: Piece = msgspec.field(default_factory=Piece)
    message: Piece | None = None
    finish_reason: str | None = None
    stop_reason: str | int | None = None
    """What stopped the text: the stop string, or the number of a token."""
    logprobs: Logprobs | None = None


class PromptDetails(Struct):
    cached_tokens: int | None = None


class CompletionDetails(Struct):
    reasoning_tokens: int | None = None


class ChunkUsage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int | None = 0
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None

    @property
    def cached_tokens(self) -> int:
        return (self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0

    @property
    def reasoning_tokens(self) -> int:
        return (self.completion_tokens_details and self.completion_tokens_details.reasoning_tokens) or 0


class ChunkError(Struct):
    message: str = ""


class Chunk(Struct):
    """A streamed chunk. A whole completion is read as the one chunk that has everything."""

    choices: list[ChunkChoice] = []
    usage: ChunkUsage | None = None
    error: ChunkError | None = None


CHUNK = msgspec.json.Decoder(Chunk)


def chunk_of(completion: bytes) -> Chunk:
    """A whole completion as one chunk. Raises EngineUnavailable when it is none."""
    chunk = _decoded(completion)
    for choice in chunk.choices:
        if choice.message is not None:
            choice.delta = choice.message
    return chunk


async def read_chunks(stream: AsyncIterator[bytes]) -> AsyncGenerator[Chunk]:
    """The chunks of a stream of server-sent events, however its bytes are cut.

    Raises:
        EngineUnavailable: the stream has an error event, is not readable, or ends before `[DONE]`.
    """
    lines = Lines()
    async with aclosing(_generator(stream)) as source:
        async for received in source:
            for data in lines.feed(received):
                if data == DONE:
                    return
                yield _decoded(data)
    raise EngineUnavailable("The engine broke off.")


class Lines:
    """Cuts bytes into the payloads of `data:` lines; comments and other fields are left out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, received: bytes) -> Iterator[bytes]:
        *lines, self._rest = (self._rest + received).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()


def _decoded(data: bytes) -> Chunk:
    try:
        chunk = CHUNK.decode(data)
    except msgspec.MsgspecError as error:
        raise EngineUnavailable("The engine's reply cannot be read.") from error
    if chunk.error is not None:
        raise EngineUnavailable(chunk.error.message or "The engine broke off.")
    return chunk


async def _generator(stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    async for received in stream:
        yield received
