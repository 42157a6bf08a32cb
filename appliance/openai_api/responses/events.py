"""The typed events of a streamed response, in the order in which `machine.py` makes them."""

from msgspec import Struct

from appliance.openai_api.responses.items import Note, OutputItem, OutputText, ReasoningText
from appliance.openai_api.responses.reply import ResponseObject
from appliance.openai_api.translation import Logprob


class Event(Struct, tag_field="type", kw_only=True):
    """`sequence_number` counts from 0 without gaps."""

    sequence_number: int


class OfResponse(Event, kw_only=True):
    response: ResponseObject


class Created(OfResponse, tag="response.created"):
    pass


class Queued(OfResponse, tag="response.queued"):
    pass


class InProgress(OfResponse, tag="response.in_progress"):
    pass


class Completed(OfResponse, tag="response.completed"):
    pass


class Incomplete(OfResponse, tag="response.incomplete"):
    pass


class Failed(OfResponse, tag="response.failed"):
    pass


class OfItem(Event, kw_only=True):
    output_index: int


class ItemAdded(OfItem, tag="response.output_item.added"):
    item: OutputItem


class ItemDone(OfItem, tag="response.output_item.done"):
    item: OutputItem


class WithinItem(OfItem, kw_only=True):
    item_id: str


class WithinContent(WithinItem, kw_only=True):
    content_index: int = 0


class PartAdded(WithinContent, tag="response.content_part.added"):
    part: OutputText | ReasoningText


class PartDone(WithinContent, tag="response.content_part.done"):
    part: OutputText | ReasoningText


class TextDelta(WithinContent, tag="response.output_text.delta"):
    delta: str
    logprobs: list[Logprob]


class AnnotationAdded(WithinContent, tag="response.output_text.annotation.added"):
    annotation: Note
    annotation_index: int


class TextDone(WithinContent, tag="response.output_text.done"):
    text: str
    logprobs: list[Logprob]


class ReasoningDelta(WithinContent, tag="response.reasoning_text.delta"):
    delta: str


class ReasoningDone(WithinContent, tag="response.reasoning_text.done"):
    text: str


class ArgumentsDelta(WithinItem, tag="response.function_call_arguments.delta"):
    delta: str


class ArgumentsDone(WithinItem, tag="response.function_call_arguments.done"):
    name: str
    arguments: str


class SearchInProgress(WithinItem, tag="response.file_search_call.in_progress"):
    pass


class SearchSearching(WithinItem, tag="response.file_search_call.searching"):
    pass


class SearchCompleted(WithinItem, tag="response.file_search_call.completed"):
    pass


class Error(Event, tag="error"):
    """What broke, by its stable code; `response.failed` follows."""

    code: str
    message: str
    param: None = None


ResponseEvent = (
    Created
    | Queued
    | InProgress
    | Completed
    | Incomplete
    | Failed
    | ItemAdded
    | ItemDone
    | PartAdded
    | PartDone
    | TextDelta
    | AnnotationAdded
    | TextDone
    | ReasoningDelta
    | ReasoningDone
    | ArgumentsDelta
    | ArgumentsDone
    | SearchInProgress
    | SearchSearching
    | SearchCompleted
    | Error
)
