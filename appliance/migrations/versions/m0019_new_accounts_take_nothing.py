"""New accounts and groups are no change of rights: nobody's rights were remembered before there was the account.

A directory is sent as thousands of them, and each would have every gateway ask for everybody's rights anew.
"""

from appliance.migrations.rights import renew_triggers

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

OF_PROVIDERS = ("provisioned_by", "issuer", "subject", "external_id", "withdrawn")
RIGHTS = {
    "users": ("id", "email", "name", "roles", "disabled", "kind", "owner", *OF_PROVIDERS),
    "groups": ("id",),
}


def upgrade() -> None:
    renew_triggers(RIGHTS, uncounted_inserts=tuple(RIGHTS))


def downgrade() -> None:
    renew_triggers(RIGHTS)
