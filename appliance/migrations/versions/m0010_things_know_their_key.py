"""Files and responses know the key that made them, as batches do."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("api_files", "responses")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("key_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("key_id")
