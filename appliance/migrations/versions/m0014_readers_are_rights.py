"""Who may read a collection is counted as a right, so that open work hears of a change at every gateway."""

from appliance.migrations.rights import renew_triggers, stop_counting

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

RIGHTS = {"collection_readers": ("collection_id", "principal"), "collections": ("id", "alive")}


def upgrade() -> None:
    # A new collection or reader takes nothing from anybody, and readers are asked of the database at every search.
    renew_triggers(RIGHTS, uncounted_inserts=tuple(RIGHTS))


def downgrade() -> None:
    stop_counting(RIGHTS)
