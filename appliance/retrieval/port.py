"""What retrieval needs from the shelf."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from appliance.identity import AccessScope
from appliance.library import AttributeFilter, Passage, ReadableCollection


class ShelfPort(Protocol):
    """Collections and passages, always as a scope may see them."""

    async def readable(self, scope: AccessScope, wanted: Sequence[UUID] | None) -> list[ReadableCollection]:
        """Collections that the scope may read; with `wanted`, only those among them."""
        ...

    async def excluded_versions(self) -> frozenset[UUID]:
        """Versions with points in the index that no answer may use."""
        ...

    async def matching_versions(
        self, scope: AccessScope, collection_ids: Sequence[UUID], where: AttributeFilter
    ) -> frozenset[UUID]:
        """Published versions, readable by the scope, of documents whose attributes fulfil `where`."""
        ...

    async def load(self, scope: AccessScope, passage_ids: Sequence[UUID]) -> list[Passage]:
        """Passages that may be used now, in the order asked for; all others are left out."""
        ...
