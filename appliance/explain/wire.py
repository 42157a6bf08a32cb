"""Explanations over HTTP, in words too, for the command line and for programs."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from appliance.explain.values import Explanation, LimitKind, Named, ObjectKind, Way, WayKind

LIMITS: dict[LimitKind, str] = {
    "account_shut": "The account is shut, or the key works no more: nobody comes in with it.",
    "key_scope": "The key that is used is not meant for it.",
    "private": "It belongs to somebody else, and no role reads it.",
}


class NamedReply(Struct):
    id: UUID
    name: str


class ObjectReply(Struct):
    kind: ObjectKind
    id: str
    name: str


class WayReply(Struct):
    kind: WayKind
    chain: list[NamedReply]
    sentence: str


class LimitReply(Struct):
    kind: LimitKind
    sentence: str


class ExplanationReply(Struct):
    account: NamedReply
    object: ObjectReply
    collection: NamedReply | None
    allowed: bool
    sentence: str
    ways: list[WayReply]
    limits: list[LimitReply]
    readers: list[str] | None
    """Who reads it; null for an asker who does not manage it."""


class SeenReply(Struct):
    id: UUID
    name: str
    visible: bool
    ways: list[WayReply]


class SearchAs(Struct, forbid_unknown_fields=True):
    user: Annotated[str, Meta(min_length=1, max_length=320)]
    query: Annotated[str, Meta(min_length=1, max_length=4000)]
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class FoundAs(Struct):
    passage_id: UUID
    document: NamedReply
    collection: NamedReply
    page: int | None
    text: str
    score: float


def named(value: Named) -> NamedReply:
    return NamedReply(value.id, value.name)


def ways_reply(ways: Sequence[Way], who: str) -> list[WayReply]:
    """`who`: how sentences about the account begin: `You are`, `Ann is`."""
    return [WayReply(way.kind, [named(group) for group in way.chain], _sentence(way, who)) for way in ways]


def _sentence(way: Way, who: str) -> str:
    if way.kind == "owner":
        return f"{who} the owner."
    if way.kind == "named":
        return f"{who} named as a reader."
    if way.kind == "everyone":
        return "Everyone may read it."
    first, *others = (group.name for group in way.chain)
    inside = "".join(f", which is in '{name}'" for name in others)
    return f"{who} in '{first}'{inside}, which reads it."


def explanation_reply(told: Explanation, *, is_self: bool) -> ExplanationReply:
    who = "You" if is_self else told.account.name
    what = f"'{told.name}'" if told.name else f"this {told.target.kind}"
    verdict = f"{who} may see {what}." if told.allowed else f"{who} may not see {what}."
    if not told.ways and not told.limits:
        verdict += " Not the owner, not named, and in no group that reads it."
    return ExplanationReply(
        account=named(told.account),
        object=ObjectReply(told.target.kind, told.target.id, told.name),
        collection=None if told.collection is None else named(told.collection),
        allowed=told.allowed,
        sentence=verdict,
        ways=ways_reply(told.ways, "You are" if is_self else f"{who} is"),
        limits=[LimitReply(limit, LIMITS[limit]) for limit in told.limits],
        readers=None if told.readers is None else list(told.readers),
    )
