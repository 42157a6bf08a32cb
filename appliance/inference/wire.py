"""The parts of an engine's HTTP interface that we use."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class WireMessage(Struct):
    role: str
    content: str


class WireStreamOptions(Struct, frozen=True):
    include_usage: bool = True


class WireChoiceConstraint(Struct):
    choice: list[str]


class WireChat(Struct):
    model: str
    messages: list[WireMessage]
    max_tokens: int
    temperature: float
    top_p: float
    stop: list[str]
    repetition_penalty: float
    seed: int | UnsetType = UNSET
    structured_outputs: WireChoiceConstraint | UnsetType = UNSET
    stream: bool = True
    stream_options: WireStreamOptions = WireStreamOptions()


class WireOneToken(Struct):
    """The least that can be generated."""

    model: str
    messages: list[WireMessage]
    max_tokens: int = 1
    temperature: float = 0.0


class WireUsage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int | None = 0


class WireDelta(Struct):
    content: str | None = None


class WireChunkChoice(Struct):
    delta: WireDelta
    finish_reason: str | None = None


class WireError(Struct):
    message: str = ""
    code: Any = None


class WireChunk(Struct):
    choices: list[WireChunkChoice] = []
    usage: WireUsage | None = None
    error: WireError | None = None


class WireErrorReply(Struct):
    error: WireError | None = None
    message: str = ""


class WireEmbed(Struct):
    model: str
    input: list[str]
    truncate_prompt_tokens: int


class WireVector(Struct):
    index: int
    embedding: list[float]


class WireEmbedReply(Struct):
    data: list[WireVector]


class WireTokenize(Struct):
    model: str
    messages: list[WireMessage]


class WireTokenizeReply(Struct):
    count: int


class WireRerank(Struct):
    model: str
    query: str
    documents: list[str]


class WireJudged(Struct):
    index: int
    relevance_score: float


class WireRerankReply(Struct):
    results: list[WireJudged]


class WireTranscript(Struct):
    text: str


class WireModel(Struct):
    id: str


class WireModels(Struct):
    data: list[WireModel]


class WireVersion(Struct):
    version: str = ""
