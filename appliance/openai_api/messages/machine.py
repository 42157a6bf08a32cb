"""From chat chunks to the events of a message. Pure: no clock, no engine.

    begin → feed* → end | fail

The message that a caller gets without a stream is the `message` after `end`.
"""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import structs

from appliance.inference import EngineUnavailable
from appliance.openai_api.messages import events
from appliance.openai_api.messages.events import MessageEvent
from appliance.openai_api.messages.wire import Message, StopReason, TextReply, ThinkingReply, ToolUseReply, Usage
from appliance.openai_api.translation import Chunk, Closed, Ended, Grew, Opened, Segment, Segmenter

STOPS: dict[str, StopReason] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


class MessageMachine:
    """One message. `thinks`: whether the caller asked to see what the model thinks; otherwise that is left out."""

    def __init__(self, message: Message, *, thinks: bool, stop_sequences: Sequence[str]) -> None:
        self.message = message
        self._thinks = thinks
        self._stop_sequences = stop_sequences
        self._segmenter = Segmenter()
        self._hidden = False
        self._arguments = ""

    def begin(self) -> Iterator[MessageEvent]:
        yield events.MessageStart(structs.replace(self.message, content=[], usage=Usage()))
        yield events.Ping()

    def feed(self, chunk: Chunk) -> Iterator[MessageEvent]:
        """Raises EngineUnavailable when the engine's tool calls are not in order, or not JSON objects."""
        for segment in self._segmenter.feed(chunk):
            yield from self._tell(segment)

    def end(self) -> Iterator[MessageEvent]:
        """After the last chunk. Raises EngineUnavailable."""
        for segment in self._segmenter.end():
            if isinstance(segment, Ended):
                yield from self._ended(segment)
            else:
                yield from self._tell(segment)

    def fail(self, kind: str, sentence: str) -> Iterator[MessageEvent]:
        """The engine broke off."""
        yield events.ErrorEvent(events.ErrorDetail(kind, sentence))

    def _tell(self, segment: Segment) -> Iterator[MessageEvent]:
        if isinstance(segment, Opened):
            self._hidden = segment.kind == "reasoning" and not self._thinks
            if not self._hidden:
                yield self._opened(segment)
        elif isinstance(segment, Grew) and not self._hidden:
            yield self._grew(segment)
        elif isinstance(segment, Closed) and not self._hidden:
            yield from self._closed(segment)

    def _opened(self, segment: Opened) -> MessageEvent:
        content = self.message.content
        self._arguments = ""
        if segment.kind == "call":
            content.append(ToolUseReply(segment.call_id, segment.name, {}))
        elif segment.kind == "reasoning":
            content.append(ThinkingReply(""))
        else:
            content.append(TextReply(""))
        return events.BlockStart(self._at, structs.replace(content[-1]))

    def _grew(self, segment: Grew) -> MessageEvent:
        block = self.message.content[-1]
        if isinstance(block, ToolUseReply):
            self._arguments += segment.text
            return events.BlockDelta(self._at, events.InputJsonDelta(segment.text))
        if isinstance(block, ThinkingReply):
            block.thinking += segment.text
            return events.BlockDelta(self._at, events.ThinkingDelta(segment.text))
        block.text += segment.text
        return events.BlockDelta(self._at, events.TextDelta(segment.text))

    def _closed(self, segment: Closed) -> Iterator[MessageEvent]:
        block = self.message.content[-1]
        if isinstance(block, ToolUseReply):
            block.input = _object(self._arguments, whole=segment.finished)
        elif isinstance(block, ThinkingReply):
            yield events.BlockDelta(self._at, events.SignatureDelta(block.signature))
        yield events.BlockStop(self._at)

    def _ended(self, segment: Ended) -> Iterator[MessageEvent]:
        message, used = self.message, segment.usage
        message.stop_reason = STOPS.get(segment.finish_reason, "end_turn")
        if message.stop_reason == "end_turn" and segment.called:
            message.stop_reason = "tool_use"
        if message.stop_reason == "end_turn" and segment.stop_sequence in self._stop_sequences:
            message.stop_reason, message.stop_sequence = "stop_sequence", segment.stop_sequence
        cached = used.cached_tokens
        message.usage = Usage(used.prompt_tokens - cached, used.completion_tokens or 0, cached)
        yield events.MessageDelta(events.Stop(message.stop_reason, message.stop_sequence), message.usage)
        yield events.MessageStop()

    @property
    def _at(self) -> int:
        return len(self.message.content) - 1


def _object(arguments: str, *, whole: bool) -> dict[str, object]:
    """A call's arguments; of a call that the token limit cut nothing is told but that it was begun."""
    try:
        return msgspec.json.decode(arguments, type=dict[str, object])
    except msgspec.MsgspecError as error:
        if whole:
            raise EngineUnavailable("The model's tool call is not a JSON object.") from error
        return {}
