"""Items of a response: what goes in, what comes out. An output item can be sent back as input, as SDKs do."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.openai_api.translation import Logprob

Text = Annotated[str, Meta(max_length=2_000_000)]
Name = Annotated[str, Meta(max_length=200)]
Status = Literal["in_progress", "completed", "incomplete"]


class InputText(Struct, forbid_unknown_fields=True, tag="input_text", tag_field="type"):
    text: Text


class InputImage(Struct, forbid_unknown_fields=True, tag="input_image", tag_field="type"):
    image_url: Annotated[str, Meta(max_length=30_000_000)]
    """`data:image/…` only: the appliance fetches nothing that a caller names."""
    detail: Literal["auto", "low", "high"] = "auto"


class UrlAnnotation(Struct, omit_defaults=True, tag="url_citation", tag_field="type"):
    """OpenAI's citation, with what it does not have a place for: document, version, page and the quoted words."""

    url: str
    title: str
    start_index: int
    end_index: int
    document_id: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    page: int | None | UnsetType = UNSET
    quote: str | UnsetType = UNSET


class FileAnnotation(Struct, omit_defaults=True, tag="file_citation", tag_field="type"):
    """A passage that supports the text before `index`."""

    file_id: str
    filename: str
    index: int
    """Place in the text, in characters: the end of the sentence that the passage supports."""
    page: int | None | UnsetType = UNSET
    quote: str | UnsetType = UNSET
    """The words of the passage that support it, verbatim."""


Note = UrlAnnotation | FileAnnotation


class OutputText(Struct, tag="output_text", tag_field="type"):
    text: Text
    annotations: list[Note] = []
    logprobs: list[Logprob] = []


class Refusal(Struct, tag="refusal", tag_field="type"):
    refusal: Text


class ReasoningText(Struct, tag="reasoning_text", tag_field="type"):
    text: Text


class SummaryText(Struct, tag="summary_text", tag_field="type"):
    text: Text


Content = Annotated[list[InputText | InputImage | OutputText | Refusal | ReasoningText], Meta(max_length=2000)]


class InputItem(Struct):
    """Any item of `input`; which fields count depends on `type`.

    Unknown fields of an item are dropped: clients send back output items with whatever they came with.
    """

    type: Literal["message", "function_call", "function_call_output", "reasoning", "file_search_call"] = "message"
    role: Literal["user", "assistant", "system", "developer"] | UnsetType = UNSET
    content: Text | Content | None | UnsetType = UNSET
    call_id: Name | UnsetType = UNSET
    name: Name | None | UnsetType = UNSET
    arguments: Text | UnsetType = UNSET
    output: Text | Content | UnsetType = UNSET
    id: Name | None | UnsetType = UNSET
    status: Literal["in_progress", "searching", "completed", "incomplete", "failed"] | None | UnsetType = UNSET


class MessageItem(Struct, tag="message", tag_field="type"):
    id: str
    status: Status
    content: list[OutputText | Refusal]
    role: Literal["assistant"] = "assistant"


class ReasoningItem(Struct, tag="reasoning", tag_field="type"):
    id: str
    status: Status
    content: list[ReasoningText]
    summary: list[SummaryText] = []
    """Always empty: engines give the reasoning itself."""
    encrypted_content: None = None


class FunctionCallItem(Struct, tag="function_call", tag_field="type"):
    id: str
    call_id: str
    name: str
    arguments: str
    status: Status


class SearchResult(Struct):
    """A passage that was given to the model."""

    file_id: str
    filename: str
    score: float
    """Fused rank score; comparable only within one search."""
    text: str
    attributes: dict[str, str | float | bool] = {}


class FileSearchItem(Struct, tag="file_search_call", tag_field="type"):
    id: str
    queries: list[str]
    status: Literal["in_progress", "searching", "completed", "incomplete", "failed"]
    results: list[SearchResult] | None = None
    """Only with `include: ["file_search_call.results"]`."""


OutputItem = MessageItem | ReasoningItem | FunctionCallItem | FileSearchItem
