"""From a question to passages that the caller may read, ranked and citable.

1. The shelf turns the caller's scope into collections.
2. The index searches inside them (dense and sparse, fused there).
3. The database checks every hit once more: living document, published version, readable collection.

Rule: there is no search without a scope, and nothing is filtered after the search but what changed meanwhile.
"""

from appliance.retrieval.port import ShelfPort
from appliance.retrieval.service import Found, RankedPassage, Retrieval
from appliance.retrieval.told import searched

__all__ = ["Found", "RankedPassage", "Retrieval", "ShelfPort", "searched"]
