"""Limits, the ledger of usage, and what budgets begin from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _limits()
    op.create_table(
        "usage_ledger",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.String(length=200), nullable=False),
        sa.Column("endpoint", sa.String(length=40), nullable=False),
        sa.Column("lane", sa.String(length=20), nullable=False),
        *_sums("requests", "failed", "unsettled", "prompt_tokens", "completion_tokens", "milliseconds"),
        sa.PrimaryKeyConstraint(
            "day", "user_id", "key_id", "model_id", "endpoint", "lane", name=op.f("pk_usage_ledger")
        ),
    )
    op.create_table(
        "usage_spent",
        sa.Column("who", sa.String(length=60), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("gateway_id", sa.Uuid(), nullable=False),
        *_sums("requests", "prompt_tokens", "completion_tokens", "milliseconds"),
        sa.PrimaryKeyConstraint("who", "day", "gateway_id", name=op.f("pk_usage_spent")),
    )
    op.create_table(
        "usage_journals",
        sa.Column("gateway_id", sa.Uuid(), nullable=False),
        sa.Column("applied_through", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", name=op.f("pk_usage_journals")),
    )


def _limits() -> None:
    op.create_table(
        "limits",
        sa.Column("who", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("who", "name", name=op.f("pk_limits")),
    )
    changes = op.create_table(
        "limit_changes",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limit_changes")),
    )
    op.bulk_insert(changes, [{"id": 1, "number": 0}])


def _sums(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]
