"""What may be asked of `/v1/completions`."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.openai_api.chat_completions.wire import Line, Name, Refused, Stop, StreamOptions, Text

Token = Annotated[int, Meta(ge=0, le=10_000_000)]
Tokens = Annotated[list[Token], Meta(min_length=1, max_length=1_000_000)]


class CompletionRequest(Struct, forbid_unknown_fields=True):
    model: Name
    prompt: Text | Annotated[list[Text | Token | Tokens], Meta(min_length=1, max_length=1_000_000)]
    """A text, a list of token numbers, or up to 16 of either."""
    stream: bool | None = False
    stream_options: StreamOptions | None | UnsetType = UNSET
    max_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None | UnsetType = UNSET
    temperature: Annotated[float, Meta(ge=0, le=2)] | None | UnsetType = UNSET
    top_p: Annotated[float, Meta(gt=0, le=1)] | None | UnsetType = UNSET
    n: Annotated[int, Meta(ge=1, le=4)] | None | UnsetType = UNSET
    stop: Stop | None | UnsetType = UNSET
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None | UnsetType = UNSET
    echo: bool | None | UnsetType = UNSET
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None | UnsetType = UNSET
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None | UnsetType = UNSET
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None | UnsetType = UNSET

    user: Line = UNSET

    best_of: Refused = UNSET
    logit_bias: Refused = UNSET
    suffix: Refused = UNSET
