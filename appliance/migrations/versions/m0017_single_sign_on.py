"""Sessions that began at an identity provider, logout tokens that were seen, and the break-glass account's seal."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sso_sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("sid", sa.String(length=255), nullable=False),
        sa.Column("acr", sa.String(length=255), nullable=False),
        sa.Column("proved_at", sa.BigInteger(), nullable=False),
        sa.Column("refresh", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_hash"],
            ["sessions.token_hash"],
            name=op.f("fk_sso_sessions_token_hash_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sso_sessions")),
    )
    for column in ("sid", "subject", "due_at"):
        op.create_index(op.f(f"ix_sso_sessions_{column}"), "sso_sessions", [column])
    op.create_table(
        "sso_seen_logouts",
        sa.Column("jti_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("jti_hash", name=op.f("pk_sso_seen_logouts")),
    )
    op.create_index(op.f("ix_sso_seen_logouts_expires_at"), "sso_seen_logouts", ["expires_at"])
    op.create_table(
        "sso_following",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_following")),
    )
    op.create_table(
        "break_glass_seal",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_glass_seal")),
    )


def downgrade() -> None:
    for table in ("break_glass_seal", "sso_following", "sso_seen_logouts", "sso_sessions"):
        op.drop_table(table)
