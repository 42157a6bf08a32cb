"""Tables of the engines."""

from datetime import datetime

from sqlalchemy import DateTime, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base


class ConformanceRow(Base):
    """What a model was last seen to do."""

    __tablename__ = "model_conformance"

    model_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    checked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    engine: Mapped[str] = mapped_column(String(100))
    checks: Mapped[str] = mapped_column(Text)
    """JSON: a list of checks."""
