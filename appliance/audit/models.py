"""Tables of the audit. Triggers refuse every change of a row, and every deletion that no signed cut allows."""

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base


class AuditEventRow(Base):
    """One event. Written once, by `append.py` only."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_actor_seq", "actor", "seq"),
        Index("ix_audit_events_action_seq", "action", "seq"),
        Index("ix_audit_events_object_seq", "object", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """1, 2, 3, … without a gap."""
    at: Mapped[str] = mapped_column(String(27))
    """UTC, as `2026-11-25T19:10:00.123456Z`: text, so that its bytes are the same in every database."""
    actor: Mapped[str] = mapped_column(String(500))
    on_behalf_of: Mapped[str] = mapped_column(String(500))
    action: Mapped[str] = mapped_column(String(60))
    object: Mapped[str] = mapped_column(String(500))
    outcome: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(500))
    request_id: Mapped[str] = mapped_column(String(500))
    details: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditCutRow(Base):
    """Up to where events were removed after their retention; a signed entry beside the checkpoints says the same."""

    __tablename__ = "audit_cuts"

    through_seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    """Of the last event that was removed: what the first that is left refers to."""
    at: Mapped[str] = mapped_column(String(27))
