"""What other rooms may ask of the engines."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from appliance.foundation import Lane


@dataclass(frozen=True, slots=True)
class EmbeddingProfile:
    """How texts become vectors. Belongs to a collection; changing it means a new index space."""

    model_id: str
    dimension: int
    query_prefix: str = ""
    passage_prefix: str = ""
    max_tokens: int = 512


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a caller needs to know about a served model."""

    model_id: str
    task: str
    context_tokens: int
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes the model answers well in; empty means unknown."""
    parameters_billion: float = 0.0
    licence: str = ""
    abilities: tuple[str, ...] = ()
    """tools, vision, reasoning, code."""
    ready: bool = False
    state: str = "starting"
    """starting, ready, restarting, failed or stopped."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that a model was asked to do through the appliance's own endpoints."""

    name: str
    outcome: Literal["passed", "failed", "not_applicable"]
    detail: str = ""
    """Why it failed or does not apply; no text of the model."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Conformance:
    """What a model was seen to do, by whom and when."""

    model_id: str
    checked_at: datetime
    engine: str
    """Version of the engine, as it says; empty when it does not."""
    checks: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One generation. `max_tokens` is always set: an unbounded request can hold an engine for minutes."""

    model_id: str
    messages: tuple[ChatMessage, ...]
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    repetition_penalty: float = 1.0
    choices: tuple[str, ...] = ()
    """When not empty, decoding is constrained to exactly one of these strings."""
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """A piece of a streamed generation. The last one has `finish_reason` and, when known, `usage`."""

    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None


class Forward(Struct, frozen=True, gc=False):
    """A request of the OpenAI-compatible door, ready for an engine; of a kind of record that is made fast."""

    model_id: str
    path: str
    """Begins with `/v1`."""
    body: bytes
    lane: Lane = "interactive"
    tokens: int = 0
    """What it may cost, prompt and answer; by this the load is judged."""
    affinity: bytes = b""
    """Requests of equal value begin alike, so that the engine that has seen one knows the beginning of the other."""
    content_type: bytes = b""
    """Empty: JSON. Anything else goes to no fallback, since the model's name in it cannot be changed."""

    def __repr__(self) -> str:
        """Without what people wrote."""
        return f"Forward({self.model_id!r}, {self.path!r})"


@dataclass(frozen=True, slots=True)
class ReplicaFacts:
    """One replica of a model, as it is now."""

    model_id: str
    name: str
    address: str
    state: str
    """starting, ready, restarting, failed or stopped."""
    detail: str
    """Why it takes no requests, or what its keeper says of it."""
    takes: bool
    """It takes requests."""
    draining: bool
    """It is being emptied for maintenance."""
    requests: int
    """Outstanding, of both lanes."""
    batch_requests: int
    tokens: int
    """What the outstanding requests may cost, prompts and answers."""
    limit: int
    """Most requests at once."""


class UpstreamReply(Protocol):
    """An engine's own HTTP reply, passed through by the OpenAI-compatible door."""

    @property
    def status(self) -> int: ...

    @property
    def content_type(self) -> str: ...

    async def read(self) -> bytes:
        """The next bytes as they come; empty at the end.

        Raises:
            EngineUnavailable: the engine broke off.
        """
        ...

    async def leave(self, within_s: float) -> bytes:
        """Tell the engine that nobody reads any more; what it had sent until it knew, then everything is closed.

        Takes at most `within_s`. After the end, and where a connection cannot be closed by halves, it gives nothing.
        """
        ...

    def close(self) -> None:
        """Give the connection back after the end; before it, close it, which aborts the request in the engine."""
        ...


class ChatEngine(Protocol):
    """Generates text."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """Generate; closing the iterator aborts the request in the engine within a second.

        Raises:
            ModelUnknown: no such model is configured.
            EngineUnavailable: it is starting, restarting, or broke off; carries `retry_after_s`.
            PromptTooLong: the prompt does not fit the model's window.
        """
        ...

    async def count_tokens(self, model_id: str, messages: Sequence[ChatMessage]) -> int:
        """Tokens of the rendered prompt, counted by the engine's own tokenizer."""
        ...

    def facts(self, model_id: str) -> ModelFacts:
        """Raises ModelUnknown."""
        ...


class Embedder(Protocol):
    """Makes vectors."""

    async def embed_passages(
        self, profile: EmbeddingProfile, texts: Sequence[str], *, lane: Lane = "batch"
    ) -> list[list[float]]:
        """One unit vector of `profile.dimension` per text, in order; texts beyond the window are cut."""
        ...

    async def embed_query(self, profile: EmbeddingProfile, text: str) -> list[float]:
        """The vector of a question."""
        ...
