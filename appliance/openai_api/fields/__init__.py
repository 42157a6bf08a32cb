"""Every documented request field of the OpenAI-compatible endpoints, and what becomes of it.

Plain data. Three readers: the error replies (why a field is refused), the tables in `docs/reference/http-api.md`, which
are written from it, and the contract tests, which prove each row by a call.
"""

from appliance.openai_api.fields.chat import CHAT
from appliance.openai_api.fields.conversations import MESSAGES, RESPONSES
from appliance.openai_api.fields.field import Field, Standing
from appliance.openai_api.fields.others import COMPLETIONS, EMBEDDINGS, IMAGES, RERANK, SCORE, TRANSCRIPTIONS
from appliance.openai_api.fields.stores import (
    BATCHES,
    FILES,
    STORE_FILE_BATCHES,
    STORE_FILES,
    STORE_SEARCH,
    VECTOR_STORES,
)

ENDPOINTS: dict[str, tuple[Field, ...]] = {
    "chat/completions": CHAT,
    "completions": COMPLETIONS,
    "responses": RESPONSES,
    "messages": MESSAGES,
    "embeddings": EMBEDDINGS,
    "rerank": RERANK,
    "score": SCORE,
    "audio/transcriptions": TRANSCRIPTIONS,
    "images/generations": IMAGES,
    "files": FILES,
    "vector_stores": VECTOR_STORES,
    "vector_stores/files": STORE_FILES,
    "vector_stores/file_batches": STORE_FILE_BATCHES,
    "vector_stores/search": STORE_SEARCH,
    "batches": BATCHES,
}
"""By address, without the version."""


def refusals(fields: tuple[Field, ...]) -> dict[str, str]:
    """Why each refused field is refused, by its name."""
    return {f.name: f.note for f in fields if f.standing == "refused"}


def dropped(fields: tuple[Field, ...]) -> tuple[str, ...]:
    """Names of the fields that are taken and go nowhere."""
    return tuple(f.name for f in fields if f.standing == "dropped")


__all__ = [
    "CHAT",
    "COMPLETIONS",
    "EMBEDDINGS",
    "ENDPOINTS",
    "IMAGES",
    "MESSAGES",
    "RESPONSES",
    "TRANSCRIPTIONS",
    "Field",
    "Standing",
    "dropped",
    "refusals",
]
