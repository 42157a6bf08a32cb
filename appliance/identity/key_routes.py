"""Keys of one's own account, service accounts and their keys."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post
from msgspec import UNSET

from appliance.foundation import NotAllowed
from appliance.identity.endpoints import ENDPOINTS, SCIM
from appliance.identity.guards import (
    requires,
    requires_session,
    requires_whole_account,
)
from appliance.identity.key_wire import (
    ApiKey,
    KeyCreate,
    KeyRotate,
    ServiceAccountCreate,
    ServiceAccountPatch,
    ServiceAccountReply,
    account_reply,
    key_reply,
)
from appliance.identity.keys import Keys
from appliance.identity.roles import Permission
from appliance.identity.service_accounts import ServiceAccountChange, ServiceAccounts
from appliance.identity.values import Principal

Call = Request[Principal, Any, Any]


class KeysController(Controller):
    path = "/api"

    @get("/keys", guards=[requires(Permission.KEYS_MANAGE)])
    async def keys(self, request: Call, keys: Keys) -> list[ApiKey]:
        return [key_reply(k) for k in await keys.of(request.user.user_id)]

    @post("/keys", guards=[requires(Permission.KEYS_MANAGE), requires_session])
    async def create_key(self, request: Call, data: KeyCreate, keys: Keys) -> ApiKey:
        """The only reply that ever holds the key."""
        _refuse_scim(request.user, data.scope.value().endpoints)
        return await _create(keys, request.user.user_id, data)

    @post("/keys/{key_id:uuid}/rotate", guards=[requires(Permission.KEYS_MANAGE), requires_session], status_code=200)
    async def rotate_key(self, request: Call, key_id: UUID, data: KeyRotate, keys: Keys) -> ApiKey:
        """A new secret for the key; the only reply that ever holds it."""
        return await _rotate(keys, request.user.user_id, key_id, data)

    @delete("/keys/{key_id:uuid}", guards=[requires(Permission.KEYS_MANAGE), requires_whole_account])
    async def revoke_key(self, request: Call, key_id: UUID, keys: Keys) -> None:
        await keys.revoke(request.user.user_id, key_id)

    @get("/key-endpoints", guards=[requires(Permission.KEYS_MANAGE)])
    async def endpoints(self) -> list[str]:
        """What the scope of a key can name as endpoints."""
        return list(ENDPOINTS)


class ServiceAccountsController(Controller):
    path = "/api/service-accounts"

    @get(guards=[requires(Permission.SERVICE_ACCOUNTS_MANAGE), requires_whole_account])
    async def accounts(self, request: Call, service_accounts: ServiceAccounts) -> list[ServiceAccountReply]:
        """Those that the caller manages."""
        return [account_reply(a) for a in await service_accounts.managed_by(request.user)]

    @post(guards=[requires(Permission.SERVICE_ACCOUNTS_MANAGE, "any")])
    async def create(self, data: ServiceAccountCreate, service_accounts: ServiceAccounts) -> ServiceAccountReply:
        return account_reply(await service_accounts.create(data.name, data.owner.name()))

    @patch("/{account_id:uuid}", guards=[requires(Permission.SERVICE_ACCOUNTS_MANAGE, "any")])
    async def change(
        self, account_id: UUID, data: ServiceAccountPatch, service_accounts: ServiceAccounts
    ) -> ServiceAccountReply:
        change = ServiceAccountChange(
            name=None if data.name is UNSET else data.name,
            owner=None if data.owner is UNSET else data.owner.name(),
            disabled=None if data.disabled is UNSET else data.disabled,
        )
        return account_reply(await service_accounts.change(account_id, change))

    @get("/{account_id:uuid}/keys", guards=[requires(Permission.SERVICE_ACCOUNTS_MANAGE), requires_whole_account])
    async def keys(
        self, request: Call, account_id: UUID, keys: Keys, service_accounts: ServiceAccounts
    ) -> list[ApiKey]:
        account = await service_accounts.managed(request.user, account_id)
        return [key_reply(k) for k in await keys.of(account.id)]

    @post("/{account_id:uuid}/keys", guards=[requires(Permission.SERVICE_ACCOUNTS_MANAGE), requires_session])
    async def create_key(
        self, request: Call, account_id: UUID, data: KeyCreate, keys: Keys, service_accounts: ServiceAccounts
    ) -> ApiKey:
        """The only reply that ever holds the key."""
        account = await service_accounts.managed(request.user, account_id)
        _refuse_scim(request.user, data.scope.value().endpoints)
        return await _create(keys, account.id, data)

    @post(
        "/{account_id:uuid}/keys/{key_id:uuid}/rotate",
        guards=[requires(Permission.SERVICE_ACCOUNTS_MANAGE), requires_session],
        status_code=200,
    )
    async def rotate_key(
        self,
        request: Call,
        account_id: UUID,
        key_id: UUID,
        data: KeyRotate,
        keys: Keys,
        service_accounts: ServiceAccounts,
    ) -> ApiKey:
        account = await service_accounts.managed(request.user, account_id)
        for key in await keys.of(account.id):
            if key.id == key_id:
                _refuse_scim(request.user, key.scope.endpoints)
        return await _rotate(keys, account.id, key_id, data)

    @delete(
        "/{account_id:uuid}/keys/{key_id:uuid}",
        guards=[requires(Permission.SERVICE_ACCOUNTS_MANAGE), requires_session],
    )
    async def revoke_key(
        self, request: Call, account_id: UUID, key_id: UUID, keys: Keys, service_accounts: ServiceAccounts
    ) -> None:
        account = await service_accounts.managed(request.user, account_id)
        await keys.revoke(account.id, key_id)


def _refuse_scim(caller: Principal, endpoints: frozenset[str] | None) -> None:
    """Who answers for a program does not thereby provision accounts. Raises NotAllowed."""
    if SCIM in (endpoints or ()) and caller.reach(Permission.DIRECTORY_MANAGE) != "any":
        raise NotAllowed("A key for provisioning is for those who manage the directory.")


async def _create(keys: Keys, account_id: UUID, data: KeyCreate) -> ApiKey:
    return key_reply(*await keys.create(account_id, data.name, data.expires_in_days, data.scope.value()))


async def _rotate(keys: Keys, account_id: UUID, key_id: UUID, data: KeyRotate) -> ApiKey:
    overlap = timedelta(hours=data.overlap_hours)
    return key_reply(*await keys.rotate(account_id, key_id, overlap=overlap, expires_in_days=data.expires_in_days))
