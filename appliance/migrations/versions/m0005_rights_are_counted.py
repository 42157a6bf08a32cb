"""Changes of rights are counted; keys have a scope and can be rotated; accounts can belong to a program."""

import sqlalchemy as sa
from alembic import op

from appliance.migrations.rights import create_triggers, drop_triggers

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCOPES = ("scope_models", "scope_assistants", "scope_collections", "scope_endpoints")
RIGHTS = {
    "users": ("id", "email", "name", "roles", "disabled", "kind", "owner"),
    "groups": ("id",),
    "memberships": ("group_id", "user_id"),
    "sessions": ("token_hash", "user_id", "expires_at"),
    "api_keys": (
        *("id", "lookup", "user_id", "secret_hash", "previous_hash", "previous_until", "expires_at", "revoked_at"),
        *SCOPES,
    ),
}


def upgrade() -> None:
    # Added one by one: a batch would rebuild the table on SQLite for nothing.
    op.add_column("users", sa.Column("kind", sa.String(length=20), nullable=False, server_default="person"))
    op.add_column("users", sa.Column("owner", sa.String(length=60), nullable=True))
    op.add_column("api_keys", sa.Column("previous_hash", sa.String(length=64), nullable=True))
    op.add_column("api_keys", sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True))
    for name in SCOPES:
        op.add_column("api_keys", sa.Column(name, sa.JSON(), nullable=True))
    counted = op.create_table(
        "rights_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_version")),
    )
    op.bulk_insert(counted, [{"id": 1, "version": 1}])
    create_triggers(RIGHTS, uncounted_inserts=("sessions",))  # a new login takes nothing from anybody


def downgrade() -> None:
    drop_triggers(RIGHTS)
    op.drop_table("rights_version")
    with op.batch_alter_table("api_keys") as batch_op:
        for name in (*SCOPES, "previous_hash", "previous_until"):
            batch_op.drop_column(name)
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_column("owner")
        batch_op.drop_column("kind")
