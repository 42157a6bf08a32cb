"""What there should be in a realm, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CALLBACK_PATH = "/auth/oidc/callback"
BACKCHANNEL_PATH = "/auth/oidc/backchannel"
LOGGED_OUT_PATH = "/login?signed-out"

KEEP_EVENTS_S = 7 * 24 * 3600
"""How long the realm keeps the events that the appliance follows: longer than any gateway stands still."""

OF_EVERY_REALM: Mapping[str, Any] = {
    "enabled": True,
    "bruteForceProtected": True,
    "adminEventsEnabled": True,
    "attributes": {"adminEventsExpiration": str(KEEP_EVENTS_S)},
}
OF_A_NEW_REALM: Mapping[str, Any] = {
    "sslRequired": "external",
    "registrationAllowed": False,
    "failureFactor": 10,
    "waitIncrementSeconds": 60,
    "maxFailureWaitSeconds": 900,
    "eventsEnabled": True,
    "eventsExpiration": KEEP_EVENTS_S,
    "revokeRefreshToken": True,
    "refreshTokenMaxReuse": 1,  # the answer to a renewal may be lost on the way, and that must log nobody out
}
"""Left alone in a realm that was there before: other applications of the firm may need it otherwise."""

FLOWS_OFF: Mapping[str, Any] = {
    "enabled": True,
    "protocol": "openid-connect",
    "publicClient": False,
    "clientAuthenticatorType": "client-secret",
    "standardFlowEnabled": False,
    "implicitFlowEnabled": False,
    "directAccessGrantsEnabled": False,
    "serviceAccountsEnabled": False,
    "fullScopeAllowed": False,
    "redirectUris": [],
    "webOrigins": [],
}
GRANTS_OFF: Mapping[str, str] = {
    "oauth2.device.authorization.grant.enabled": "false",
    "oidc.ciba.grant.enabled": "false",
    "standard.token.exchange.enabled": "false",
}
DIRECTORY_RIGHTS = ("view-users", "query-users", "query-groups", "view-events", "view-clients")
"""Of the client that follows changes in the realm: it reads, and changes nothing."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings say."""

    realm: str
    url: str
    """The appliance's address as people type it, without a slash at the end."""
    client_id: str
    roles: tuple[str, ...]
    groups: frozenset[str]
    """Full paths, as `/staff/legal`."""

    @property
    def service_id(self) -> str:
        return f"{self.client_id}-service"

    @property
    def directory_id(self) -> str:
        return f"{self.client_id}-directory"


@dataclass(frozen=True, slots=True)
class Client:
    fields: Mapping[str, Any]
    mappers: tuple[Mapping[str, Any], ...]
    realm_rights: tuple[str, ...] = ()
    """Roles of `realm-management` for the client's own service account."""

    @property
    def client_id(self) -> str:
        return str(self.fields["clientId"])


@dataclass(frozen=True, slots=True)
class Plan:
    realm: Mapping[str, Any]
    new_realm: Mapping[str, Any]
    clients: tuple[Client, ...]
    role_client: str
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    """Parents before children."""


def plan_of(wanted: Wanted) -> Plan:
    mappers = (_audience(wanted.client_id), _groups(), _roles(wanted.client_id))
    return Plan(
        realm={"realm": wanted.realm, **OF_EVERY_REALM},
        new_realm=OF_A_NEW_REALM,
        clients=(
            Client(_login_client(wanted), mappers),
            Client(_service_client(wanted.service_id, "Programs that call the appliance"), mappers),
            Client(
                {
                    **_service_client(wanted.directory_id, "Follows changes of people and groups"),
                    "fullScopeAllowed": True,
                },
                (),
                DIRECTORY_RIGHTS,
            ),
        ),
        role_client=wanted.client_id,
        roles=wanted.roles,
        groups=_with_parents(wanted.groups),
    )


def _login_client(wanted: Wanted) -> dict[str, Any]:
    return {
        **FLOWS_OFF,
        "clientId": wanted.client_id,
        "name": "Private Model Appliance",
        "baseUrl": wanted.url,
        "standardFlowEnabled": True,
        "redirectUris": [wanted.url + CALLBACK_PATH],
        "attributes": {
            **GRANTS_OFF,
            "pkce.code.challenge.method": "S256",
            "post.logout.redirect.uris": wanted.url + LOGGED_OUT_PATH,
            "backchannel.logout.url": wanted.url + BACKCHANNEL_PATH,
            "backchannel.logout.session.required": "true",
            "use.refresh.tokens": "true",
        },
    }


def _service_client(client_id: str, name: str) -> dict[str, Any]:
    return {
        **FLOWS_OFF,
        "clientId": client_id,
        "name": name,
        "serviceAccountsEnabled": True,
        "attributes": {**GRANTS_OFF, "client_credentials.use_refresh_token": "false"},
    }


def _mapper(name: str, kind: str, **config: str) -> dict[str, Any]:
    return {"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config}


def _audience(client_id: str) -> dict[str, Any]:
    config = {
        "included.client.audience": client_id,
        "access.token.claim": "true",
        "id.token.claim": "false",
        "introspection.token.claim": "true",
    }
    return _mapper("appliance audience", "oidc-audience-mapper", **config)


def _groups() -> dict[str, Any]:
    config = {
        "claim.name": "groups",
        "full.path": "true",
        "access.token.claim": "true",
        "id.token.claim": "true",
        "userinfo.token.claim": "true",
        "introspection.token.claim": "true",
    }
    return _mapper("appliance groups", "oidc-group-membership-mapper", **config)


def _roles(client_id: str) -> dict[str, Any]:
    config = {
        "claim.name": "roles",
        "usermodel.clientRoleMapping.clientId": client_id,
        "multivalued": "true",
        "jsonType.label": "String",
        "access.token.claim": "true",
        "id.token.claim": "true",
        "userinfo.token.claim": "true",
        "introspection.token.claim": "true",
    }
    return _mapper("appliance roles", "oidc-usermodel-client-role-mapper", **config)


def _with_parents(groups: frozenset[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for group in groups:
        parts = [part for part in group.split("/") if part]
        found.update("/" + "/".join(parts[: n + 1]) for n in range(len(parts)))
    return tuple(sorted(found, key=lambda path: (path.count("/"), path)))
