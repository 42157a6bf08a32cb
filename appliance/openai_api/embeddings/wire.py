"""What may be asked of `/v1/embeddings`."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

One = Annotated[str, Meta(max_length=2_000_000)]


class EmbeddingsRequest(Struct, forbid_unknown_fields=True):
    model: Annotated[str, Meta(min_length=1, max_length=200)]
    input: One | Annotated[list[One | int | list[int]], Meta(min_length=1, max_length=2048)]
    """Numbers are read to be refused with a reason."""
    encoding_format: Literal["float", "base64"] | None | UnsetType = UNSET
    dimensions: Annotated[int, Meta(ge=1, le=16384)] | None | UnsetType = UNSET
    user: Annotated[str, Meta(max_length=500)] | None | UnsetType = UNSET
