"""What OpenAI keeps of a vector store and a collection has no place for, and batches of attached files."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base, UtcDateTime


class VectorStoreRow(Base):
    """Beside a collection that a program made or changed; other collections have none."""

    __tablename__ = "vector_stores"

    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True)
    given_name: Mapped[str] = mapped_column(String(256), default="")
    """As it was sent: several stores may have one name, collections may not."""
    assigned_name: Mapped[str] = mapped_column(String(200), default="")
    """What the collection was called for it; when it has another name now, somebody renamed the collection."""
    labels: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """OpenAI's `metadata`."""
    expires_after_days: Mapped[int | None] = mapped_column(default=None)
    last_active_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FileBatchRow(Base):
    """Files that were attached together."""

    __tablename__ = "vector_store_file_batches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class FileBatchItemRow(Base):
    __tablename__ = "vector_store_file_batch_items"

    batch_id: Mapped[UUID] = mapped_column(
        ForeignKey("vector_store_file_batches.id", ondelete="CASCADE"), primary_key=True
    )
    file_id: Mapped[UUID] = mapped_column(primary_key=True)
    cancelled: Mapped[bool] = mapped_column(default=False)
