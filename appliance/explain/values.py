"""What an explanation consists of."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

ObjectKind = Literal["document", "collection", "conversation", "assistant"]
WayKind = Literal["owner", "everyone", "named", "group"]
LimitKind = Literal["account_shut", "key_scope", "private"]


@dataclass(frozen=True, slots=True)
class Named:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Way:
    """One way that grants it."""

    kind: WayKind
    chain: tuple[Named, ...] = ()
    """Of a group: from one that the account is in itself to the one that reads; one entry when they are the same."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked about."""

    kind: ObjectKind
    id: str


@dataclass(frozen=True, slots=True)
class Explanation:
    account: Named
    target: Target
    name: str
    """Of the object; empty where the asker may not know it."""
    collection: Named | None
    """Of a document: the collection whose readers decide."""
    allowed: bool
    """As the check says that every request goes through."""
    ways: tuple[Way, ...]
    """All that grant it. Without `limits` there is one exactly when it is allowed."""
    limits: tuple[LimitKind, ...]
    """What keeps the account out although a way grants it; `private`: nobody but the owner ever."""
    readers: tuple[str, ...] | None
    """Names of everybody who reads it; None for an asker who does not manage it."""
