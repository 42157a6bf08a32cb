"""Chat chunks cut into segments: each is opened, grown and closed once, one after the other.

An engine may go from reasoning to text to tool calls and back; it never goes on with a tool call that it has left.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from appliance.foundation import new_id
from appliance.inference import EngineUnavailable
from appliance.openai_api.translation.chunks import CallPiece, Chunk, ChunkChoice, ChunkUsage, Logprob, UrlCitation

Kind = Literal["reasoning", "text", "call"]


@dataclass(frozen=True, slots=True)
class Opened:
    kind: Kind
    call_id: str = ""
    name: str = ""
    """Of the function, for a tool call."""


@dataclass(frozen=True, slots=True)
class Grew:
    """More of the open segment: text, or a piece of a call's arguments. Never empty."""

    text: str
    logprobs: Sequence[Logprob] = ()


@dataclass(frozen=True, slots=True)
class Annotated:
    """A citation of the open text."""

    citation: UrlCitation


@dataclass(frozen=True, slots=True)
class Closed:
    """The open segment is whole; `finished` is False when the token limit cut it."""

    finished: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """The last segment of all."""

    finish_reason: str
    stop_sequence: str | None
    usage: ChunkUsage
    called: bool
    """Whether there was a tool call."""


Segment = Opened | Grew | Annotated | Closed | Ended


class Segmenter:
    """Takes chunks, gives segments. `end` is called once, after the last chunk."""

    def __init__(self) -> None:
        self._open: Kind | None = None
        self._empty = True
        self._call = -1
        self._started = False
        self._called = False
        self._finish_reason = "stop"
        self._stop_sequence: str | None = None
        self._usage = ChunkUsage()

    def feed(self, chunk: Chunk) -> Iterator[Segment]:
        """Segments of one chunk. Raises EngineUnavailable for a tool call that goes on after another began."""
        if chunk.usage is not None:
            self._usage = chunk.usage
        for choice in chunk.choices[:1]:
            yield from self._choice(choice)

    def end(self) -> Iterator[Segment]:
        """Close what is open. An answer without anything has one empty text."""
        if not self._started:
            yield from self._switch("text")
        yield from self._close(finished=self._finish_reason != "length")
        yield Ended(self._finish_reason, self._stop_sequence, self._usage, self._called)

    def abort(self) -> Iterator[Segment]:
        """Close what is open as unfinished, without an end: the engine broke off."""
        yield from self._close(finished=False)

    def _choice(self, choice: ChunkChoice) -> Iterator[Segment]:
        piece = choice.delta
        reasoning = piece.reasoning or piece.reasoning_content
        if reasoning:
            yield from self._switch("reasoning")
            yield Grew(reasoning)
        if piece.content:
            yield from self._switch("text")
            yield Grew(piece.content, (choice.logprobs and choice.logprobs.content) or ())
        for annotation in piece.annotations or ():
            if annotation.url_citation is not None:
                yield from self._switch("text")
                yield Annotated(annotation.url_citation)
        for place, call in enumerate(piece.tool_calls or ()):
            yield from self._calling(call, place if call.index is None else call.index)
        if choice.finish_reason is not None:
            self._finish_reason = choice.finish_reason
        if isinstance(choice.stop_reason, str):
            self._stop_sequence = choice.stop_reason

    def _calling(self, call: CallPiece, index: int) -> Iterator[Segment]:
        if index < self._call or (index == self._call and self._open != "call"):
            raise EngineUnavailable("The engine's tool calls are not in order.")
        if index > self._call:
            yield from self._close()
            self._open, self._empty, self._call = "call", True, index
            self._started = self._called = True
            yield Opened("call", call.id or f"call_{new_id().hex}", call.function.name or "")
        if call.function.arguments:
            self._empty = False
            yield Grew(call.function.arguments)

    def _switch(self, kind: Kind) -> Iterator[Segment]:
        if self._open == kind:
            return
        yield from self._close()
        self._open, self._started = kind, True
        yield Opened(kind)

    def _close(self, *, finished: bool = True) -> Iterator[Segment]:
        if self._open is None:
            return
        if self._open == "call" and self._empty and finished:
            yield Grew("{}")  # a call without arguments is still JSON to whoever parses it
        self._open = None
        yield Closed(finished)
