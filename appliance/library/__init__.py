"""The shelf: collections and who may read them, documents, their versions and passages.

Written by `documents`, read by `retrieval`; the two never meet.

1. `Documents.register` notes new bytes for a path; the version waits as `queued`.
2. A worker takes it (`IngestLog.take`), keeps its passages, fills the index, and publishes it: one pointer,
   `documents.current_version_id`, moves in one transaction. From that commit on answers use the new version only.
3. Overtaken, refused and deleted versions are `leftovers` until their points have left the index.

Rule: whoever reads for a caller passes the caller's `AccessScope`; `readable_collections` is the one place that turns
it into rows. A version whose points may be in the index without being published has `unpublished_points`.
"""

from appliance.library.attributes import AllOf, AnyOf, AttributeFilter, Attributes, AttributeValue, Comparison, Operator
from appliance.library.collections import Collections
from appliance.library.documents import Documents, checked_path
from appliance.library.errors import CollectionNameTaken
from appliance.library.ingestlog import IngestLog, passage_id
from appliance.library.members import Members
from appliance.library.records import (
    Arrival,
    CollectionInfo,
    DocumentInfo,
    DocumentState,
    IngestTask,
    Leftover,
    QueuedVersion,
    Registration,
    StateCounts,
    VersionInfo,
)
from appliance.library.shelf import Shelf
from appliance.library.values import Passage, PassageText, PassageView, ReadableCollection

__all__ = [
    "AllOf",
    "AnyOf",
    "Arrival",
    "AttributeFilter",
    "AttributeValue",
    "Attributes",
    "CollectionInfo",
    "CollectionNameTaken",
    "Collections",
    "Comparison",
    "DocumentInfo",
    "DocumentState",
    "Documents",
    "IngestLog",
    "IngestTask",
    "Leftover",
    "Members",
    "Operator",
    "Passage",
    "PassageText",
    "PassageView",
    "QueuedVersion",
    "ReadableCollection",
    "Registration",
    "Shelf",
    "StateCounts",
    "VersionInfo",
    "checked_path",
    "passage_id",
]
