"""Who is calling, and what that lets them see."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from appliance.identity.roles import Permission, Reach, Role, reach_of

EVERYONE = "everyone"

Via = Literal["session", "api_key", "token", "operator"]
"""By what kind of credential; `token` is an access token of the identity provider."""
BREAK_GLASS = "break-glass@localhost"
"""Address of the one account that has a password while an identity provider says who somebody is."""

Kind = Literal["person", "service"]
"""A service account belongs to a program: it has keys, and no password."""


@dataclass(frozen=True, slots=True)
class AccessScope:
    """What a caller may see, as the set of names under which things can be shared with them.

    The empty scope sees nothing. Names: `everyone`, `user:<uuid>`, `group:<uuid>`.
    """

    principals: frozenset[str] = frozenset()
    collections: frozenset[UUID] | None = None
    """Only these among what is shared with the caller; None: all of it."""

    def reaches(self, collection_id: UUID) -> bool:
        """Whether the caller's key may touch this collection at all; what is shared is asked of the database."""
        return self.collections is None or collection_id in self.collections


@dataclass(frozen=True, slots=True)
class KeyScope:
    """What a key may be used for. None is everything that its owner may, an empty set is nothing."""

    models: frozenset[str] | None = None
    assistants: frozenset[str] | None = None
    collections: frozenset[UUID] | None = None
    endpoints: frozenset[str] | None = None
    """Names as in `endpoints.ENDPOINTS`."""

    @property
    def is_narrow(self) -> bool:
        """Whether anything is left out."""
        return not (self.models is self.assistants is self.collections is self.endpoints is None)

    def may_use_model(self, model_id: str) -> bool:
        return self.models is None or model_id in self.models

    def may_use_assistant(self, assistant_id: str) -> bool:
        return self.assistants is None or assistant_id in self.assistants

    def may_call(self, endpoint: str) -> bool:
        return self.endpoints is None or endpoint in self.endpoints


WHOLE_ACCOUNT = KeyScope()
EVERYBODYS: frozenset[Role] = frozenset({"user"})


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose kept things a request reaches: files, batches, responses."""

    user_id: UUID
    key_id: UUID | None = None
    """The key that is used, for noting it; None without one."""
    only_its_own: bool = False
    """Of the account's things only those that this key made: with a narrowed key, since others reached further."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller, with rights that are at most five seconds old."""

    user_id: UUID
    email: str
    name: str
    roles: frozenset[Role]
    group_ids: frozenset[UUID]
    """Groups that the account is in, and all that those are inside of."""
    via: Via
    key_id: UUID | None = None
    """The API key that was used, if any."""
    kind: Kind = "person"
    key_scope: KeyScope = WHOLE_ACCOUNT
    """Of the key that was used; sessions are never narrowed."""
    proof: str | None = field(default=None, repr=False)
    """Hash of the session's token or of the key's secret; None when the work goes on without either."""
    until: datetime | None = None
    """When the credential is over if nothing else happens; None: nobody has said."""
    acr: str = ""
    """How strongly the person proved who they are, as their identity provider names it."""
    proved_at: int = 0
    """When they did, seconds since 1970; 0 where no provider told."""

    def reach(self, permission: Permission) -> Reach:
        """How far the caller's roles go. A narrowed key has what everybody has: it could give back what it lacks."""
        roles = self.roles & EVERYBODYS if self.key_scope.is_narrow else self.roles
        return reach_of(roles, permission)

    def may(self, permission: Permission) -> bool:
        """Whether the caller may do it to something: perhaps only to what is their own."""
        return self.reach(permission) != "no"

    @property
    def actor(self) -> str:
        """As the audit names them."""
        return f"user:{self.user_id}"

    @property
    def way(self) -> str:
        """How they proved it, for the audit."""
        return self.via if self.key_id is None else f"key:{self.key_id}"

    def holder(self) -> Holder:
        """Whose files, batches and responses the caller has."""
        return Holder(self.user_id, self.key_id, self.key_scope.is_narrow)

    def scope(self) -> AccessScope:
        """Everything shared with everyone, with the user, and with their groups, as far as the key reaches."""
        names = {EVERYONE, f"user:{self.user_id}", *(f"group:{g}" for g in self.group_ids)}
        return AccessScope(frozenset(names), self.key_scope.collections)
