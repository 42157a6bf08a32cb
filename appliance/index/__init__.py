"""The vector index: writes and searches passages. The only room that speaks Qdrant.

One port (`PassageIndex`), two adapters with the same meaning: `EdgeIndex` inside the process and `QdrantIndex` for a
server. A search is one query: dense and sparse candidates, both under the scope's filter, fused by RRF in the engine.

Rule: the scope is part of the query. An empty scope finds nothing without asking.
"""

from appliance.index.edge import EdgeIndex
from appliance.index.errors import IndexLocked, IndexUnavailable, SpaceMismatch
from appliance.index.port import Hit, PassageIndex, PassagePoint, SearchScope, SparseVector
from appliance.index.settings import IndexSettings
from appliance.index.spaces import space_name
from appliance.index.tokens import Tokenizer, normalise


def open_index(settings: IndexSettings) -> PassageIndex:
    """The adapter that the settings name."""
    if settings.kind == "qdrant":
        # Optional and heavy: its client takes two seconds to import, which every command and every start would pay.
        from appliance.index.qdrant import QdrantIndex  # noqa: PLC0415

        return QdrantIndex(settings.url, api_key=settings.api_key, timeout_s=settings.timeout_s)
    return EdgeIndex(settings.folder)


__all__ = [
    "EdgeIndex",
    "Hit",
    "IndexLocked",
    "IndexSettings",
    "IndexUnavailable",
    "PassageIndex",
    "PassagePoint",
    "SearchScope",
    "SpaceMismatch",
    "SparseVector",
    "Tokenizer",
    "normalise",
    "open_index",
    "space_name",
]
