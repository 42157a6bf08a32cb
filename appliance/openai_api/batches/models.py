"""Tables of batches. Lines have a row only once they have a result, and lose it to the output files."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base, UtcDateTime


class BatchRow(Base):
    __tablename__ = "api_batches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[UUID | None] = mapped_column(default=None)
    """The API key that made it; what that key may do is asked for each line."""
    endpoint: Mapped[str] = mapped_column(String(40))
    model: Mapped[str] = mapped_column(String(200), default="")
    input_file_id: Mapped[UUID]
    input_sha256: Mapped[str] = mapped_column(String(64), index=True)
    """The bytes stay while the batch runs, also when the file is deleted."""
    labels: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    status: Mapped[str] = mapped_column(String(20), index=True)
    ending: Mapped[str] = mapped_column(String(20), default="completed")
    """What the status will be once its files are written."""
    errors: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    output_expires_after_s: Mapped[int | None] = mapped_column(default=None)
    output_file_id: Mapped[UUID | None] = mapped_column(default=None)
    error_file_id: Mapped[UUID | None] = mapped_column(default=None)
    total: Mapped[int] = mapped_column(default=0)
    completed: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    input_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    output_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    in_progress_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    finalizing_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    expired_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    cancelling_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    runner: Mapped[str] = mapped_column(String(300), default="")
    """The process that has the lease, by a name that it keeps over a restart."""
    lease: Mapped[str] = mapped_column(String(36), default="")
    """Changes with every taking; who holds another one can write nothing."""
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class BatchLineRow(Base):
    """The result of one line."""

    __tablename__ = "api_batch_lines"

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("api_batches.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    """Its number in the input, from 1."""
    good: Mapped[bool]
    """Whether it goes into the output file; else into the error file."""
    result: Mapped[bytes] = mapped_column(LargeBinary)
