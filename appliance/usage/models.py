"""Tables of limits and of what was used."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Date, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base


class LimitRow(Base):
    """One limit of one subject."""

    __tablename__ = "limits"

    who: Mapped[str] = mapped_column(String(60), primary_key=True)
    """`everyone`, or `user:`, `group:` or `key:` and the id."""
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)


class LimitChangeRow(Base):
    """One row whose number grows with each change of a limit: gateways look at it once a second."""

    __tablename__ = "limit_changes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)


class LedgerRow(Base):
    """What was used in a day, summed."""

    __tablename__ = "usage_ledger"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    key_id: Mapped[UUID] = mapped_column(primary_key=True)
    """All zero: without a key."""
    model_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    endpoint: Mapped[str] = mapped_column(String(40), primary_key=True)
    lane: Mapped[str] = mapped_column(String(20), primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    """Those that count: answered, or left by their client, or cut off by a kill."""
    failed: Mapped[int] = mapped_column(BigInteger)
    """Without any result; not among `requests`."""
    unsettled: Mapped[int] = mapped_column(BigInteger)
    """Of `requests`, those that a kill cut off: they are charged as they were reserved."""
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    milliseconds: Mapped[int] = mapped_column(BigInteger)


class SpentRow(Base):
    """The same by whom it is charged to, on which gateway: from this, budgets begin."""

    __tablename__ = "usage_spent"

    who: Mapped[str] = mapped_column(String(60), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    gateway_id: Mapped[UUID] = mapped_column(primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    milliseconds: Mapped[int] = mapped_column(BigInteger)


class JournalRow(Base):
    """How far a gateway's journal stands in the tables above; written with them, so nothing counts twice."""

    __tablename__ = "usage_journals"

    gateway_id: Mapped[UUID] = mapped_column(primary_key=True)
    applied_through: Mapped[int] = mapped_column(BigInteger)


class GatewayRow(Base):
    """When a gateway last gave a sign of life, by the database's clock. Used without Valkey only."""

    __tablename__ = "usage_gateways"

    gateway_id: Mapped[UUID] = mapped_column(primary_key=True)
    seen_ms: Mapped[int] = mapped_column(BigInteger)


class LeaseRow(Base):
    """What a gateway has of a budget that gateways share. Used without Valkey only."""

    __tablename__ = "usage_leases"

    who: Mapped[str] = mapped_column(String(60), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    label: Mapped[str] = mapped_column(String(10), primary_key=True)
    gateway_id: Mapped[UUID] = mapped_column(primary_key=True)
    spent: Mapped[int] = mapped_column(BigInteger)
    held: Mapped[int] = mapped_column(BigInteger)
    free: Mapped[int] = mapped_column(BigInteger)
    short_until_ms: Mapped[int] = mapped_column(BigInteger)
    """Until then the gateway says that it is short of it."""
