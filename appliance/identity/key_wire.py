"""Requests and replies about keys and service accounts."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.identity.keys import KeyInfo
from appliance.identity.service_accounts import ServiceAccount
from appliance.identity.values import KeyScope
from appliance.identity.wire import Name, Named

Id = Annotated[str, Meta(min_length=1, max_length=200)]
Ids = Annotated[list[Id], Meta(max_length=200)]
Days = Annotated[int, Meta(ge=1, le=400)]


class Scope(Struct, forbid_unknown_fields=True, frozen=True):
    """None is everything that the account may, an empty list is nothing."""

    models: Ids | None = None
    assistants: Ids | None = None
    collections: Annotated[list[UUID], Meta(max_length=200)] | None = None
    endpoints: Ids | None = None

    def value(self) -> KeyScope:
        return KeyScope(
            models=None if self.models is None else frozenset(self.models),
            assistants=None if self.assistants is None else frozenset(self.assistants),
            collections=None if self.collections is None else frozenset(self.collections),
            endpoints=None if self.endpoints is None else frozenset(self.endpoints),
        )


class KeyCreate(Struct, forbid_unknown_fields=True):
    name: Name
    expires_in_days: Days = 90
    scope: Scope = Scope()


class KeyRotate(Struct, forbid_unknown_fields=True):
    overlap_hours: Annotated[int, Meta(ge=0, le=720)] = 24
    """How long the present secret goes on working."""
    expires_in_days: Days | None = None
    """None: the key's end stays as it is."""


class ApiKey(Struct):
    id: UUID
    name: str
    prefix: str
    scope: Scope
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    previous_until: datetime | None
    """Until when the secret of before the last rotation works."""
    key: str | UnsetType = UNSET
    """Shown once, when made."""


class Owner(Struct, forbid_unknown_fields=True):
    kind: Literal["user", "group"]
    id: UUID

    def name(self) -> str:
        return f"{self.kind}:{self.id}"


class OwnerReply(Struct):
    kind: str
    id: str
    name: str
    """Empty when the owner is gone."""


class ServiceAccountCreate(Struct, forbid_unknown_fields=True):
    name: Name
    owner: Owner


class ServiceAccountPatch(Struct, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    owner: Owner | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class ServiceAccountReply(Struct):
    id: UUID
    name: str
    address: str
    """Stands for an e-mail address where commands and lists name accounts."""
    owner: OwnerReply
    disabled: bool
    created_at: datetime
    groups: list[Named]


def key_reply(info: KeyInfo, text: str | None = None) -> ApiKey:
    scope = info.scope
    return ApiKey(
        id=info.id,
        name=info.name,
        prefix=info.prefix,
        scope=Scope(
            models=None if scope.models is None else sorted(scope.models),
            assistants=None if scope.assistants is None else sorted(scope.assistants),
            collections=None if scope.collections is None else sorted(scope.collections),
            endpoints=None if scope.endpoints is None else sorted(scope.endpoints),
        ),
        created_at=info.created_at,
        expires_at=info.expires_at,
        last_used_at=info.last_used_at,
        previous_until=info.previous_until,
        key=UNSET if text is None else text,
    )


def account_reply(account: ServiceAccount) -> ServiceAccountReply:
    kind, _, key = account.owner.partition(":")
    return ServiceAccountReply(
        id=account.id,
        name=account.name,
        address=account.address,
        owner=OwnerReply(kind=kind, id=key, name=account.owner_name),
        disabled=account.disabled,
        created_at=account.created_at,
        groups=[Named(id=group_id, name=name) for group_id, name in account.groups],
    )
