"""What is kept of a session that began at an identity provider, beside the session itself."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base, UtcDateTime


class SsoSessionRow(Base):
    """One to one with a row of `sessions`, and gone with it."""

    __tablename__ = "sso_sessions"

    token_hash: Mapped[str] = mapped_column(ForeignKey("sessions.token_hash", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255))
    sid: Mapped[str] = mapped_column(String(255))
    """The session's id at the provider; empty when it has none."""
    acr: Mapped[str] = mapped_column(String(255))
    proved_at: Mapped[int] = mapped_column(BigInteger)
    """When the person last proved who they are, seconds since 1970."""
    refresh: Mapped[str] = mapped_column(Text)
    """The refresh token, sealed; empty when the provider gave none."""
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the provider is to be asked again. Whoever moves it on asks."""

    __table_args__ = (
        Index("ix_sso_sessions_sid", "sid"),
        Index("ix_sso_sessions_subject", "subject"),
        Index("ix_sso_sessions_due_at", "due_at"),
    )


class SeenLogoutRow(Base):
    """A logout token that was acted on, so that it is not again."""

    __tablename__ = "sso_seen_logouts"

    jti_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class FollowingRow(Base):
    """How far the realm's events were read, and which gateway reads them."""

    __tablename__ = "sso_following"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seen_ms: Mapped[int] = mapped_column(BigInteger)
    """Milliseconds since 1970, of the last event."""
    holder: Mapped[str] = mapped_column(String(40))
    held_until: Mapped[datetime] = mapped_column(UtcDateTime)
