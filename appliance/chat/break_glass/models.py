"""The table of requests to read another person's conversations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base, UtcDateTime


class BreakGlassRow(Base):
    """One request; it is also the notice to the person once it was approved."""

    __tablename__ = "break_glass"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(index=True)
    """Whose conversations."""
    asked_by: Mapped[UUID]
    reason: Mapped[str] = mapped_column(Text)
    minutes: Mapped[int]
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(20))
    """requested, approved, refused or ended; an approved one is over when `until` is."""
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    read_count: Mapped[int] = mapped_column(default=0)
    """Conversations that were opened under it, also twice."""
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the person said that they had read the notice."""
