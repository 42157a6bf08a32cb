"""What gateways have of the budgets that they share, where there is no Valkey."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage_gateways",
        sa.Column("gateway_id", sa.Uuid(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", name=op.f("pk_usage_gateways")),
    )
    op.create_table(
        "usage_leases",
        sa.Column("who", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=10), nullable=False),
        sa.Column("gateway_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("spent", "held", "free", "short_until_ms")),
        sa.PrimaryKeyConstraint("who", "name", "label", "gateway_id", name=op.f("pk_usage_leases")),
    )
