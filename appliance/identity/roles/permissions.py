"""Names: what can be done, by whom, and how far."""

from enum import StrEnum
from typing import Literal, get_args

Role = Literal[
    "user",
    "assistant_owner",
    "knowledge_owner",
    "group_administrator",
    "operator",
    "auditor",
    "administrator",
]
ROLES: tuple[Role, ...] = get_args(Role)
"""From everybody's to the widest. Every account has `user`; the others add to it."""

Reach = Literal["no", "own", "any"]
"""`own`: the caller's own objects, those shared with them, or the groups that they administer."""


class Permission(StrEnum):
    """What a route asks for. What each means stands in the table."""

    ACCOUNT_USE = "account.use"
    KEYS_MANAGE = "keys.manage"
    MODELS_USE = "models.use"
    CHATS_KEEP = "chats.keep"
    FILES_KEEP = "files.keep"
    COLLECTIONS_READ = "collections.read"
    COLLECTIONS_MANAGE = "collections.manage"
    ACCESS_EXPLAIN = "access.explain"
    ACCESS_SIMULATE = "access.simulate"
    ACCOUNTS_READ = "accounts.read"
    ACCOUNTS_MANAGE = "accounts.manage"
    ROLES_GIVE = "roles.give"
    GROUPS_READ = "groups.read"
    GROUPS_MANAGE = "groups.manage"
    SERVICE_ACCOUNTS_MANAGE = "service_accounts.manage"
    DIRECTORY_MANAGE = "directory.manage"
    MODELS_CHECK = "models.check"
    MODELS_MANAGE = "models.manage"
    LIMITS_MANAGE = "limits.manage"
    METRICS_READ = "metrics.read"
    USAGE_READ = "usage.read"
    AUDIT_READ = "audit.read"
    BREAK_GLASS_ASK = "break_glass.ask"
    BREAK_GLASS_APPROVE = "break_glass.approve"
