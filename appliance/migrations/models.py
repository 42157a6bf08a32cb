"""How far back the schema reaches."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base


class SchemaReachRow(Base):
    """One row: releases whose newest migration is at least this one can work with the schema as it is.

    A release that finds migrations it does not know asks here whether they have only added to what it knows.
    """

    __tablename__ = "schema_reach"

    oldest: Mapped[str] = mapped_column(String(4), primary_key=True)
