"""The schema says which releases can work with it, so that one may go back after an upgrade."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schema_reach",
        sa.Column("oldest", sa.String(length=4), nullable=False),
        sa.PrimaryKeyConstraint("oldest", name=op.f("pk_schema_reach")),
    )
    op.execute("INSERT INTO schema_reach (oldest) VALUES ('0020')")


def downgrade() -> None:
    op.drop_table("schema_reach")
