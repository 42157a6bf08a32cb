"""The table of stored responses."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base, UtcDateTime


class ResponseRow(Base):
    """A response with its input, for its owner alone."""

    __tablename__ = "responses"
    __table_args__ = (Index("ix_responses_runner_status", "runner", "status"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[UUID | None] = mapped_column(default=None)
    """The key that asked for it, if one did."""
    previous_id: Mapped[UUID | None] = mapped_column(default=None)
    """No foreign key: a response may be deleted from under those that go on from it."""
    model: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(20))
    """queued, in_progress, completed, incomplete, failed or cancelled."""
    background: Mapped[bool] = mapped_column(default=False)
    runner: Mapped[str] = mapped_column(String(400), default="")
    """The process that writes it, while it does."""
    collections: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Ids of the collections whose passages the model was given."""
    input: Mapped[str] = mapped_column(Text)
    """JSON: the input items, each with its id."""
    response: Mapped[str] = mapped_column(Text)
    """JSON: the response object."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
