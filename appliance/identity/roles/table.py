"""The table: permission x role. What a line does not name is `no`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.identity.roles.permissions import ROLES, Permission, Reach, Role

ORDER: Mapping[Reach, int] = MappingProxyType({"no": 0, "own": 1, "any": 2})


@dataclass(frozen=True, slots=True)
class Line:
    """How far each role goes with one permission."""

    permission: Permission
    what: str
    """For people: what it lets one do, and what `own` means for it."""
    reach: Mapping[Role, Reach]


TABLE: tuple[Line, ...] = (
    Line(Permission.ACCOUNT_USE, "See one's own account, change its password, log out", {"user": "own"}),
    Line(Permission.KEYS_MANAGE, "Make, rotate and end one's own API keys", {"user": "own"}),
    Line(Permission.MODELS_USE, "Ask models and assistants, in the chat and through the API", {"user": "any"}),
    Line(
        Permission.CHATS_KEEP, "Hold conversations and read them again; nobody reads another person's", {"user": "own"}
    ),
    Line(Permission.FILES_KEEP, "Keep files, batches and responses of the API", {"user": "own"}),
    Line(Permission.COLLECTIONS_READ, "Read and search the collections shared with one", {"user": "own"}),
    Line(
        Permission.COLLECTIONS_MANAGE,
        "Make collections, fill them, and say who reads them",
        {"user": "own", "administrator": "any"},
    ),
    Line(
        Permission.ACCESS_EXPLAIN,
        "Ask why somebody sees an object: oneself, or anybody for one's own objects",
        {"user": "own", "auditor": "any", "administrator": "any"},
    ),
    Line(
        Permission.ACCESS_SIMULATE,
        "See one's own collections as another person sees them",
        {"user": "own", "administrator": "any"},
    ),
    Line(
        Permission.ACCOUNTS_READ,
        "See who has an account, with roles and groups",
        {
            "assistant_owner": "any",
            "knowledge_owner": "any",
            "group_administrator": "any",
            "auditor": "any",
            "administrator": "any",
        },
    ),
    Line(Permission.ACCOUNTS_MANAGE, "Make, rename and shut accounts, set passwords", {"administrator": "any"}),
    Line(
        Permission.ROLES_GIVE,
        "Give and take roles, and say who administers which group",
        {"administrator": "any"},
    ),
    Line(Permission.GROUPS_READ, "See which groups there are", {"user": "any"}),
    Line(
        Permission.GROUPS_MANAGE,
        "Put people into groups and take them out; `own`: the groups that one administers",
        {"group_administrator": "own", "administrator": "any"},
    ),
    Line(
        Permission.SERVICE_ACCOUNTS_MANAGE,
        "Make and end the keys of programs; `own`: those that one answers for, `any`: also make the accounts",
        {"user": "own", "administrator": "any"},
    ),
    Line(Permission.DIRECTORY_MANAGE, "Connect the company's directory: admission, mapping", {"administrator": "any"}),
    Line(
        Permission.MODELS_CHECK,
        "Measure what a model does through the API",
        {"assistant_owner": "any", "operator": "any", "administrator": "any"},
    ),
    Line(
        Permission.MODELS_MANAGE,
        "See the engines, take replicas out and in",
        {"operator": "any", "administrator": "any"},
    ),
    Line(
        Permission.LIMITS_MANAGE,
        "Set the limits of people, groups and keys",
        {"operator": "any", "administrator": "any"},
    ),
    Line(Permission.METRICS_READ, "Read the metrics", {"operator": "any", "administrator": "any"}),
    Line(
        Permission.USAGE_READ,
        "See what was used; `any`: by everybody",
        {"user": "own", "operator": "any", "auditor": "any", "administrator": "any"},
    ),
    Line(Permission.AUDIT_READ, "Read, check and export the audit", {"auditor": "any", "administrator": "any"}),
    Line(
        Permission.BREAK_GLASS_ASK,
        "Ask to read another person's chat, for a reason and a time",
        {"auditor": "any", "administrator": "any"},
    ),
    Line(
        Permission.BREAK_GLASS_APPROVE,
        "Approve somebody else's request to read a chat",
        {"auditor": "any", "administrator": "any"},
    ),
)

_REACH: Mapping[Permission, Mapping[Role, Reach]] = MappingProxyType({line.permission: line.reach for line in TABLE})


def reach_of(roles: Iterable[Role], permission: Permission) -> Reach:
    """The farthest that any of the roles goes; without a role: `no`."""
    line = _REACH[permission]
    found: Reach = "no"
    for role in roles:
        given = line.get(role, "no")
        if given == "any":
            return "any"
        if given == "own":
            found = "own"
    return found


def roles_with(permission: Permission, at_least: Reach = "own") -> tuple[Role, ...]:
    """Which roles go that far, in the order of `ROLES`."""
    return tuple(role for role in ROLES if ORDER[_REACH[permission].get(role, "no")] >= ORDER[at_least])


def covers(givers: Iterable[Role], given: Role) -> bool:
    """Whether these roles hold every right of another: nobody gives a right that they do not have."""
    held = tuple(givers)
    return all(ORDER[reach_of(held, line.permission)] >= ORDER[line.reach.get(given, "no")] for line in TABLE)
