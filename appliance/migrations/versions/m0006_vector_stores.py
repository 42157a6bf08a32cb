"""Vector stores: what programs note about documents and collections, and the files that documents were made from."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("file_id", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_documents_file_id"), ["file_id"], unique=False)
    op.create_table(
        "document_attributes",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("text", sa.String(length=512), nullable=True),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("flag", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("fk_document_attributes_document_id_documents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", "key", name=op.f("pk_document_attributes")),
    )
    op.create_index("ix_document_attributes_text", "document_attributes", ["key", "text"], unique=False)
    op.create_index("ix_document_attributes_number", "document_attributes", ["key", "number"], unique=False)
    _stores()


def _stores() -> None:
    op.create_table(
        "vector_stores",
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("given_name", sa.String(length=256), nullable=False),
        sa.Column("assigned_name", sa.String(length=200), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("expires_after_days", sa.Integer(), nullable=True),
        sa.Column("last_active_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_vector_stores_collection_id_collections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", name=op.f("pk_vector_stores")),
    )
    op.create_table(
        "vector_store_file_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_vector_store_file_batches_collection_id_collections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vector_store_file_batches")),
    )
    op.create_index(
        op.f("ix_vector_store_file_batches_collection_id"),
        "vector_store_file_batches",
        ["collection_id"],
        unique=False,
    )
    op.create_table(
        "vector_store_file_batch_items",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["vector_store_file_batches.id"],
            name=op.f("fk_vector_store_file_batch_items_batch_id_vector_store_file_batches"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_id", "file_id", name=op.f("pk_vector_store_file_batch_items")),
    )


def downgrade() -> None:
    for table in (
        "vector_store_file_batch_items",
        "vector_store_file_batches",
        "vector_stores",
        "document_attributes",
    ):
        op.drop_table(table)
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_documents_file_id"))
        batch_op.drop_column("file_id")
