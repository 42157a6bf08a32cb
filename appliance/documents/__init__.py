"""Learning documents: bytes in, published passages out.

1. `DocumentService.upload` stores the bytes by their SHA-256 and registers a version; from then on no crash loses it.
2. A durable workflow (`jobs.py`, `workflow.py`) reads the file in a cage (`parsing/`), cuts it into passages, embeds
   and indexes them in batches, and publishes the version by one pointer switch (`ingest.py`).
3. The sweep takes out what is overtaken, refused or deleted.

Every file ends as `indexed`, `partial(reason)` or `refused(reason)`; none is lost silently and none harms another.

Rule: nothing parses a document outside the cage.
"""

from appliance.documents.ingest import Ingest
from appliance.documents.jobs import GIVEN_UP, DocumentJobs
from appliance.documents.render import Renderer
from appliance.documents.routes import CollectionController, DocumentController
from appliance.documents.service import DocumentService
from appliance.documents.settings import DocumentSettings

__all__ = [
    "GIVEN_UP",
    "CollectionController",
    "DocumentController",
    "DocumentJobs",
    "DocumentService",
    "DocumentSettings",
    "Ingest",
    "Renderer",
]
