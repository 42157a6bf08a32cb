"""What a provider says about somebody, by which rules that counts here, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from appliance.identity.roles import Role
from appliance.identity.values import Kind


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """Claims about one person or program, as a provider's token has them after its signature was checked."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str
    groups: frozenset[str]
    """Full paths: `/staff/sales`."""
    roles: frozenset[str] = frozenset()
    """As the token has them. They decide nothing here: rights come from groups, by `AdmissionRules.role_groups`."""
    kind: Kind = "person"
    """`service`: a program that logs in for itself, with client credentials."""
    issued_at: datetime | None = None
    """When the claims were made. Older than those that were taken last, they change no group: an old token must not
    give back what a newer one took."""


@dataclass(frozen=True, slots=True)
class AdmissionRules:
    """The default lets nobody in."""

    admitted_groups: frozenset[str] = frozenset()
    """Paths. A group inside one of them counts as well."""
    role_groups: Mapping[Role, frozenset[str]] = field(default_factory=dict)
    """Who has which role, by paths. When empty, roles are given here and a login leaves them alone."""
    strict_groups: bool = True
    """A group of the provider that the claims do not name any more is left; False only ever adds."""

    def admits(self, groups: frozenset[str]) -> bool:
        return any(is_within(group, self.admitted_groups) for group in groups)

    def roles(self, groups: frozenset[str]) -> frozenset[Role]:
        """What these groups make of somebody."""
        given = {role for role, paths in self.role_groups.items() if any(is_within(g, paths) for g in groups)}
        return frozenset({"user", *given})


@dataclass(frozen=True, slots=True)
class AdmissionReport:
    """What a login with these claims comes to. Groups are by path."""

    admitted: bool
    reason: str
    """A sentence: why it is let in, or why not."""
    account: Literal["new", "known", "provisioned", "none"]
    """`provisioned`: made by SCIM, and tied to this identity by the login. `none`: there is none, and none is made."""
    user_id: UUID | None
    address: str
    name: str
    roles: frozenset[Role]
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What of the claims does not count, and why."""


def is_within(path: str, others: frozenset[str]) -> bool:
    """Whether the group is one of the others or inside one: members of a group count for the groups around it."""
    return any(path == other or path.startswith(f"{other.rstrip('/')}/") for other in others if other.strip("/"))
