"""Who is calling, and what that lets them see."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

EVERYONE = "everyone"

Role = Literal["user", "administrator"]


@dataclass(frozen=True, slots=True)
class AccessScope:
    """What a caller may see, as the set of names under which things can be shared with them.

    The empty scope sees nothing. Names: `everyone`, `user:<uuid>`, `group:<uuid>`.
    """

    principals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. Rights are read anew for each request, never kept in a session."""

    user_id: UUID
    email: str
    name: str
    roles: frozenset[Role]
    group_ids: frozenset[UUID]
    via: Literal["session", "api_key", "operator"]
    key_id: UUID | None = None
    """The API key that was used, if any."""

    @property
    def is_administrator(self) -> bool:
        return "administrator" in self.roles

    def scope(self) -> AccessScope:
        """Everything shared with everyone, with the user, and with their groups."""
        names = {EVERYONE, f"user:{self.user_id}", *(f"group:{g}" for g in self.group_ids)}
        return AccessScope(frozenset(names))
