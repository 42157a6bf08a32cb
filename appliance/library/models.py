"""Tables of the shelf: collections, who may read them, documents, versions, passages."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, Double, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base, UtcDateTime


class CollectionRow(Base):
    """One body of data with an owner and readers. The embedding profile is fixed when it is made."""

    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("name", "alive"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    alive: Mapped[str] = mapped_column(String(36), default="")
    """Empty while it lives, its own id once deleted, so that the name can be used again before the sweep."""
    description: Mapped[str] = mapped_column(Text, default="")
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    embedding_model: Mapped[str] = mapped_column(String(200))
    dimension: Mapped[int]
    query_prefix: Mapped[str] = mapped_column(String(500), default="")
    passage_prefix: Mapped[str] = mapped_column(String(500), default="")
    max_tokens: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReaderRow(Base):
    """A principal's name (`everyone`, `user:<id>`, `group:<id>`) that may read a collection."""

    __tablename__ = "collection_readers"

    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True)
    principal: Mapped[str] = mapped_column(String(60), primary_key=True, index=True)


class DocumentRow(Base):
    """A file under its path within a collection. `current_version_id` is the one pointer that publishes."""

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("collection_id", "path", "alive"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), index=True)
    path: Mapped[str] = mapped_column(String(1000))
    alive: Mapped[str] = mapped_column(String(36), default="")
    name: Mapped[str] = mapped_column(String(400))
    current_version_id: Mapped[UUID | None] = mapped_column(default=None)
    """No foreign key: versions point here, and the pointer must move in one statement."""
    latest_version_id: Mapped[UUID | None] = mapped_column(default=None)
    file_id: Mapped[UUID | None] = mapped_column(default=None, index=True)
    """The program's uploaded file that it was made from; None when it came another way."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class AttributeRow(Base):
    """What programs note about a document; exactly one of the three values is set."""

    __tablename__ = "document_attributes"
    __table_args__ = (
        Index("ix_document_attributes_text", "key", "text"),
        Index("ix_document_attributes_number", "key", "number"),
    )

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[str | None] = mapped_column(String(512), default=None)
    number: Mapped[float | None] = mapped_column(Double, default=None)
    flag: Mapped[bool | None] = mapped_column(default=None)


class VersionRow(Base):
    """One state of a document's bytes and what became of it."""

    __tablename__ = "versions"
    __table_args__ = (
        UniqueConstraint("document_id", "number"),
        Index(
            "ix_versions_unpublished",
            "id",
            sqlite_where=text("unpublished_points = 1"),
            postgresql_where=text("unpublished_points"),
        ),
        Index("ix_versions_state", "state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size_bytes: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(20))
    """queued, processing, indexed, partial, refused or retired."""
    reason: Mapped[str] = mapped_column(Text, default="")
    stage: Mapped[str] = mapped_column(String(20), default="")
    percent: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=1)
    """Part of the workflow's id, so that a failed run can be followed by another."""
    blocks_sha256: Mapped[str | None] = mapped_column(String(64), default=None)
    """Where the parsed blocks lie in the file store."""
    page_count: Mapped[int] = mapped_column(default=0)
    passage_count: Mapped[int] = mapped_column(default=0)
    unpublished_points: Mapped[bool] = mapped_column(default=False)
    """True while the index may hold points of this version that no answer may use."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PassageRow(Base):
    __tablename__ = "passages"
    __table_args__ = (UniqueConstraint("version_id", "ordinal"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version_id: Mapped[UUID] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    page: Mapped[int | None]
    page_end: Mapped[int | None]
    heading_path: Mapped[list[str]] = mapped_column(JSON)
    boxes: Mapped[list[tuple[int, tuple[float, float, float, float]]]] = mapped_column(JSON)
    """[[page, [left, top, right, bottom]], …] as shares of the page."""
