"""Which versions are published, read beside the appliance from its database.

SQLite is opened read only and closed at once, so that file and log stay as a killed process left them.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import NullPool, create_engine, select
from sqlalchemy.exc import OperationalError

from appliance.library.models import CollectionRow, DocumentRow, VersionRow
from appliance.settings import Settings

PATIENCE_S = 20.0


@dataclass(frozen=True)
class Pointer:
    document_id: UUID
    number: int
    sha256: str


class Pointers:
    def __init__(self, settings: Settings) -> None:
        url = settings.database.url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._engine = create_engine(
            url or f"sqlite:///file:{settings.data / 'appliance.db'}?mode=ro&uri=true", poolclass=NullPool
        )

    def published(self) -> dict[str, Pointer]:
        """By path, of living documents. Raises OperationalError when the database does not open for long."""
        query = (
            select(DocumentRow.path, DocumentRow.id, VersionRow.number, VersionRow.sha256)
            .join(VersionRow, VersionRow.id == DocumentRow.current_version_id)
            .join(CollectionRow, CollectionRow.id == DocumentRow.collection_id)
            .where(DocumentRow.alive == "", CollectionRow.alive == "")
        )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                with self._engine.connect() as connection:
                    return {row[0]: Pointer(*row[1:]) for row in connection.execute(query)}
            except OperationalError:  # a start has the log to itself for a moment, and nothing announces its end
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
