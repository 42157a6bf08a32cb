"""Accounts and groups know where they come from, and groups can be inside groups."""

import sqlalchemy as sa
from alembic import op

from appliance.migrations.rights import renew_triggers

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BEFORE = {"users": ("id", "email", "name", "roles", "disabled", "kind", "owner")}
RIGHTS = {
    "users": (*BEFORE["users"], "provisioned_by", "issuer", "subject", "external_id", "withdrawn"),
    "group_parents": ("group_id", "parent_id"),
}
ADDED = {
    "users": ("provisioned_by", "issuer", "subject", "external_id", "withdrawn", "claims_at", "scim"),
    "groups": ("source", "path", "external_id"),
}
INDEXES = (
    ("uq_users_issuer_subject", "users", ["issuer", "subject"], True),
    ("ix_users_external_id", "users", ["external_id"], False),
    ("uq_groups_path", "groups", ["path"], True),
    ("ix_groups_external_id", "groups", ["external_id"], False),
)


def upgrade() -> None:
    # Added one by one, with indexes in place of constraints: a batch would rebuild the tables on SQLite, and lose rows
    # that refer to them.
    op.add_column("users", sa.Column("provisioned_by", sa.String(length=20), nullable=False, server_default="local"))
    op.add_column("users", sa.Column("issuer", sa.String(length=500), nullable=True))
    op.add_column("users", sa.Column("subject", sa.String(length=255), nullable=True))
    op.add_column("users", sa.Column("external_id", sa.String(length=255), nullable=True))
    op.add_column("users", sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("users", sa.Column("claims_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("scim", sa.JSON(), nullable=True))
    op.add_column("groups", sa.Column("source", sa.String(length=20), nullable=False, server_default="local"))
    op.add_column("groups", sa.Column("path", sa.String(length=500), nullable=True))
    op.add_column("groups", sa.Column("external_id", sa.String(length=255), nullable=True))
    for name, table, columns, unique in INDEXES:
        op.create_index(name, table, columns, unique=unique)
    op.create_table(
        "group_parents",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_group_parents_group_id_groups"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["groups.id"], name=op.f("fk_group_parents_parent_id_groups"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "parent_id", name=op.f("pk_group_parents")),
    )
    op.create_index(op.f("ix_group_parents_parent_id"), "group_parents", ["parent_id"])
    renew_triggers(RIGHTS)


def downgrade() -> None:
    op.drop_table("group_parents")
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
    for table, names in ADDED.items():
        for name in names:
            op.execute(f"DROP TRIGGER IF EXISTS rights_{table}_update" + _on(table))
            op.drop_column(table, name)
    renew_triggers(BEFORE | {"groups": ("id",)})


def _on(table: str) -> str:
    """PostgreSQL names the table of a trigger as well."""
    return "" if op.get_bind().dialect.name == "sqlite" else f" ON {table}"
