"""The vector index as other rooms see it: spaces, points, one hybrid search inside a scope."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SearchScope:
    """What one search may look at. The empty scope finds nothing; it becomes a filter inside the query."""

    collection_ids: frozenset[UUID] = frozenset()
    excluded_versions: frozenset[UUID] = frozenset()
    """Versions with points in the index that are not (or no longer) published."""
    only_versions: frozenset[UUID] | None = None
    """Look into these versions only; None: into all. The empty set finds nothing."""

    @property
    def is_empty(self) -> bool:
        """Nothing can be found, so nothing need be asked."""
        return not self.collection_ids or (self.only_versions is not None and not self.only_versions)


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Term weights. `indices` are 32-bit term hashes without repeats; same length as `values`."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PassagePoint:
    """One passage as the index stores it. The id is deterministic, so writing twice changes nothing."""

    passage_id: UUID
    collection_id: UUID
    document_id: UUID
    version_id: UUID
    dense: Sequence[float] = field(repr=False)
    text: str = field(repr=False)
    """Text for the sparse side: title, heading path and passage; tokenised by the index."""


@dataclass(frozen=True, slots=True)
class Hit:
    passage_id: UUID
    document_id: UUID
    version_id: UUID
    score: float
    """Fused rank score; comparable only within one search."""


class PassageIndex(Protocol):
    """Stores and searches passages. A *space* is one physical index per embedding model and dimension."""

    async def ensure_space(self, space: str, dimension: int) -> None:
        """Create the space when it is not there. Raises SpaceMismatch for another dimension."""
        ...

    async def upsert(self, space: str, points: Sequence[PassagePoint]) -> None:
        """Write points durably: when this returns, a crash loses none of them."""
        ...

    async def search(
        self, space: str, *, dense: Sequence[float], text: str, scope: SearchScope, limit: int
    ) -> list[Hit]:
        """Dense and sparse prefetch under the same filter, fused by RRF (Qdrant's constant).

        Returns:
            Best first, at most `limit` (1 to 100); empty when the scope is empty or the space is unknown.

        Raises:
            IndexUnavailable: the store did not answer in time.
        """
        ...

    async def delete_versions(self, space: str, version_ids: Sequence[UUID]) -> None:
        """Remove all points of these versions. Unknown ids are fine."""
        ...

    async def count(self, space: str, version_id: UUID) -> int:
        """Exact number of points of one version."""
        ...

    async def check(self) -> None:
        """Raises IndexUnavailable when a search could not be answered now."""
        ...

    async def close(self) -> None: ...
