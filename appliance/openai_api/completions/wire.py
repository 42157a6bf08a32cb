"""What may be asked of `/v1/completions`."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.openai_api.chat_completions.wire import StreamOptions, Text


class CompletionRequest(Struct, forbid_unknown_fields=True):
    model: Annotated[str, Meta(min_length=1, max_length=200)]
    prompt: Text | Annotated[list[Text], Meta(min_length=1, max_length=16)]
    """Text only: token ids would bypass the tokenizer that the model belongs to."""
    stream: bool = False
    stream_options: StreamOptions | None | UnsetType = UNSET
    max_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None | UnsetType = UNSET
    temperature: Annotated[float, Meta(ge=0, le=2)] | None | UnsetType = UNSET
    top_p: Annotated[float, Meta(gt=0, le=1)] | None | UnsetType = UNSET
    n: Annotated[int, Meta(ge=1, le=4)] | None | UnsetType = UNSET
    stop: Annotated[str, Meta(max_length=500)] | Annotated[list[str], Meta(max_length=4)] | None | UnsetType = UNSET
    seed: int | None | UnsetType = UNSET
    echo: bool | None | UnsetType = UNSET
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None | UnsetType = UNSET
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None | UnsetType = UNSET
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None | UnsetType = UNSET
    user: Annotated[str, Meta(max_length=500)] | None | UnsetType = UNSET
