"""What may be asked of `/v1/images/generations`, and what comes back."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.openai_api.chat_completions.wire import Line, Name, Refused


class ImagesRequest(Struct, forbid_unknown_fields=True):
    model: Name
    prompt: Annotated[str, Meta(min_length=1, max_length=4000)]
    n: Annotated[int, Meta(ge=1, le=4)] | None | UnsetType = UNSET
    size: Annotated[str, Meta(pattern=r"^(auto|[1-9]\d{1,3}x[1-9]\d{1,3})$")] | None | UnsetType = UNSET
    response_format: Literal["b64_json"] | None | UnsetType = UNSET
    output_format: Literal["png"] | None | UnsetType = UNSET

    moderation: Line = UNSET
    quality: Line = UNSET
    safety_identifier: Line = UNSET
    style: Line = UNSET
    user: Line = UNSET

    background: Refused = UNSET
    complexity: Refused = UNSET
    frame_count: Refused = UNSET
    frame_duration_ms: Refused = UNSET
    output_compression: Refused = UNSET
    partial_images: Refused = UNSET
    stream: Refused = UNSET
    svg: Refused = UNSET


class Picture(Struct):
    b64_json: str


class ImagesReply(Struct):
    created: int
    data: list[Picture]
