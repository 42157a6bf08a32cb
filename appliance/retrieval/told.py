"""What the audit keeps of a search: which documents were shown, never what was asked."""

from collections.abc import Iterable

from appliance.audit import Event
from appliance.library import Passage


def searched(passages: Iterable[Passage]) -> Event:
    """For whoever shows passages to a caller."""
    shown = list(passages)
    documents = dict.fromkeys(f"document:{passage.document_id}" for passage in shown)
    return Event("search.asked", details={"passages": len(shown), "documents": list(documents)})
