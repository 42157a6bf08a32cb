"""The table of uploaded files."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base, UtcDateTime


class FileRow(Base):
    """A program's file: whose it is, what for, and where its bytes are."""

    __tablename__ = "api_files"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[UUID | None] = mapped_column(default=None)
    """The key that brought it, if one did; no foreign key, for keys are forgotten before files."""
    filename: Mapped[str] = mapped_column(String(400))
    purpose: Mapped[str] = mapped_column(String(30))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None, index=True)
