"""The events of a streamed message, in the order in which `machine.py` makes them."""

from msgspec import Struct

from appliance.openai_api.messages.wire import Message, ReplyBlock, StopReason, Usage


class Event(Struct, tag_field="type"):
    pass


class MessageStart(Event, tag="message_start"):
    message: Message


class Ping(Event, tag="ping"):
    pass


class BlockStart(Event, tag="content_block_start"):
    index: int
    content_block: ReplyBlock


class TextDelta(Struct, tag="text_delta", tag_field="type"):
    text: str


class ThinkingDelta(Struct, tag="thinking_delta", tag_field="type"):
    thinking: str


class SignatureDelta(Struct, tag="signature_delta", tag_field="type"):
    signature: str


class InputJsonDelta(Struct, tag="input_json_delta", tag_field="type"):
    partial_json: str


class BlockDelta(Event, tag="content_block_delta"):
    index: int
    delta: TextDelta | ThinkingDelta | SignatureDelta | InputJsonDelta


class BlockStop(Event, tag="content_block_stop"):
    index: int


class Stop(Struct):
    stop_reason: StopReason
    stop_sequence: str | None


class MessageDelta(Event, tag="message_delta"):
    """Usage counts from the beginning of the message."""

    delta: Stop
    usage: Usage


class MessageStop(Event, tag="message_stop"):
    pass


class ErrorDetail(Struct):
    type: str
    message: str


class ErrorEvent(Event, tag="error"):
    """The message broke off; nothing follows."""

    error: ErrorDetail


MessageEvent = MessageStart | Ping | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop | ErrorEvent
