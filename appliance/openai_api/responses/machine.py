"""From chat chunks to the events of a response. Pure: no clock, no engine, no database.

    begin → [searched] → feed* → end | fail

An event that waits in a queue never changes: it shows what is whole, or a copy of its own. The response that a
caller gets without a stream is the `response` after `end`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import structs

from appliance.foundation import ApplianceError, DefectError, new_id
from appliance.openai_api.responses import events
from appliance.openai_api.responses.events import ResponseEvent
from appliance.openai_api.responses.items import (
    FileSearchItem,
    FunctionCallItem,
    MessageItem,
    Note,
    OutputText,
    ReasoningItem,
    ReasoningText,
    UrlAnnotation,
)
from appliance.openai_api.responses.reply import (
    ErrorKind,
    IncompleteDetails,
    InputTokensDetails,
    OutputTokensDetails,
    ResponseError,
    ResponseObject,
    ResponseUsage,
)
from appliance.openai_api.translation import (
    Annotated,
    Chunk,
    Closed,
    Ended,
    Grew,
    Opened,
    Segment,
    Segmenter,
    UrlCitation,
)

Citing = Callable[[str], Sequence[Note]]
"""From a whole text to its citations."""

KINDS: dict[int, ErrorKind] = {400: "invalid_prompt", 429: "rate_limit_exceeded"}
"""Which of OpenAI's few codes an error of ours is, by its status; our own code is in the `error` event."""

WrittenItem = MessageItem | ReasoningItem | FunctionCallItem


class ResponseMachine:
    """One response. `response` is its state, and complete after `end` or `fail`."""

    def __init__(self, response: ResponseObject, cite: Citing) -> None:
        self.response = response
        self._cite = cite
        self._segmenter = Segmenter()
        self._number = 0
        self._item: WrittenItem | None = None

    def begin(self, *, queued: bool = False) -> Iterator[ResponseEvent]:
        yield events.Created(sequence_number=self._next(), response=self._snapshot())
        if queued:
            yield events.Queued(sequence_number=self._next(), response=self._snapshot())
        self.response.status = "in_progress"
        yield events.InProgress(sequence_number=self._next(), response=self._snapshot())

    def searched(self, item: FileSearchItem) -> Iterator[ResponseEvent]:
        """A search that is done, told from its beginning."""
        at, now = len(self.response.output), FileSearchItem(item.id, item.queries, "in_progress")
        self.response.output.append(item)
        yield events.ItemAdded(sequence_number=self._next(), output_index=at, item=now)
        for kind in (events.SearchInProgress, events.SearchSearching, events.SearchCompleted):
            yield kind(sequence_number=self._next(), output_index=at, item_id=item.id)
        yield events.ItemDone(sequence_number=self._next(), output_index=at, item=item)

    def feed(self, chunk: Chunk) -> Iterator[ResponseEvent]:
        """Raises EngineUnavailable when the engine's tool calls are not in order."""
        for segment in self._segmenter.feed(chunk):
            yield from self._tell(segment)

    def end(self, now_s: int) -> Iterator[ResponseEvent]:
        """After the last chunk; the last event is `completed` or `incomplete`."""
        for segment in self._segmenter.end():
            if isinstance(segment, Ended):
                yield self._ended(segment, now_s)
            else:
                yield from self._tell(segment)

    def fail(self, error: ApplianceError) -> Iterator[ResponseEvent]:
        """The engine broke off: what is open ends as incomplete, then `error` and `failed`."""
        for segment in self._segmenter.abort():
            yield from self._tell(segment)
        self.response.status = "failed"
        kind = KINDS.get(error.status, "server_error")
        self.response.error = ResponseError(kind, error.sentence())
        yield events.Error(sequence_number=self._next(), code=error.code, message=error.sentence())
        yield events.Failed(sequence_number=self._next(), response=self._snapshot())

    def _tell(self, segment: Segment) -> Iterator[ResponseEvent]:
        if isinstance(segment, Opened):
            yield from self._opened(segment)
        elif isinstance(segment, Grew):
            yield self._grew(segment)
        elif isinstance(segment, Annotated):
            yield self._noted(_text_part(self._item), _url_note(segment.citation))
        elif isinstance(segment, Closed):
            yield from self._closed(segment)

    def _opened(self, segment: Opened) -> Iterator[ResponseEvent]:
        mark = new_id().hex
        if segment.kind == "call":
            call = FunctionCallItem(f"fc_{mark}", segment.call_id, segment.name, "", "in_progress")
            yield self._added(call, structs.replace(call))
        elif segment.kind == "reasoning":
            thought = ReasoningItem(f"rs_{mark}", "in_progress", [ReasoningText("")])
            yield self._added(thought, structs.replace(thought, content=[]))
            yield events.PartAdded(**self._where(), part=ReasoningText(""))
        else:
            message = MessageItem(f"msg_{mark}", "in_progress", [OutputText("")])
            yield self._added(message, structs.replace(message, content=[]))
            yield events.PartAdded(**self._where(), part=OutputText(""))

    def _added(self, item: WrittenItem, shown: WrittenItem) -> ResponseEvent:
        self._item = item
        self.response.output.append(item)
        return events.ItemAdded(sequence_number=self._next(), output_index=self._at, item=shown)

    def _grew(self, segment: Grew) -> ResponseEvent:
        item, logprobs = self._item, list(segment.logprobs)
        if isinstance(item, FunctionCallItem):
            item.arguments += segment.text
            return events.ArgumentsDelta(**self._where(), delta=segment.text)
        if isinstance(item, ReasoningItem):
            item.content[0].text += segment.text
            return events.ReasoningDelta(**self._where(), delta=segment.text)
        part = _text_part(item)
        part.text += segment.text
        part.logprobs += logprobs
        return events.TextDelta(**self._where(), delta=segment.text, logprobs=logprobs)

    def _closed(self, segment: Closed) -> Iterator[ResponseEvent]:
        item = self._item
        if isinstance(item, FunctionCallItem):
            yield events.ArgumentsDone(**self._where(), name=item.name, arguments=item.arguments)
        elif isinstance(item, ReasoningItem):
            yield events.ReasoningDone(**self._where(), text=item.content[0].text)
            yield events.PartDone(**self._where(), part=item.content[0])
        elif isinstance(item, MessageItem):
            part = _text_part(item)
            for note in self._cite(part.text):
                yield self._noted(part, note)
            yield events.TextDone(**self._where(), text=part.text, logprobs=list(part.logprobs))
            yield events.PartDone(**self._where(), part=part)
        if item is not None:
            item.status = "completed" if segment.finished else "incomplete"
            yield events.ItemDone(sequence_number=self._next(), output_index=self._at, item=item)
        self._item = None

    def _noted(self, part: OutputText, note: Note) -> ResponseEvent:
        part.annotations.append(note)
        place = len(part.annotations) - 1
        return events.AnnotationAdded(**self._where(), annotation=note, annotation_index=place)

    def _ended(self, segment: Ended, now_s: int) -> ResponseEvent:
        response, usage = self.response, segment.usage
        written = usage.completion_tokens or 0
        response.usage = ResponseUsage(
            usage.prompt_tokens,
            written,
            usage.prompt_tokens + written,
            InputTokensDetails(cached_tokens=usage.cached_tokens),
            OutputTokensDetails(usage.reasoning_tokens),
        )
        if segment.finish_reason in ("length", "content_filter"):
            cut = segment.finish_reason == "length"
            response.status = "incomplete"
            response.incomplete_details = IncompleteDetails("max_output_tokens" if cut else "content_filter")
            return events.Incomplete(sequence_number=self._next(), response=self._snapshot())
        response.status, response.completed_at = "completed", now_s
        return events.Completed(sequence_number=self._next(), response=self._snapshot())

    @property
    def _at(self) -> int:
        return len(self.response.output) - 1

    def _next(self) -> int:
        number, self._number = self._number, self._number + 1
        return number

    def _where(self) -> dict[str, Any]:
        """The place of what is being written, as all events within an item name it."""
        return {
            "sequence_number": self._next(),
            "output_index": self._at,
            "item_id": self._item.id if self._item else "",
        }

    def _snapshot(self) -> ResponseObject:
        return structs.replace(self.response, output=list(self.response.output))


def _text_part(item: WrittenItem | None) -> OutputText:
    """The one part of the message that is being written; the segments' order makes sure that there is one."""
    if isinstance(item, MessageItem) and isinstance(item.content[0], OutputText):
        return item.content[0]
    raise DefectError("Text came outside a message.")


def _url_note(citation: UrlCitation) -> Note:
    return UrlAnnotation(**structs.asdict(citation))
