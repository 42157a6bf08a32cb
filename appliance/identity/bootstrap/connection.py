"""Keycloak's administration, as the person or client that may use it."""

from dataclasses import dataclass
from pathlib import Path

from keycloak import KeycloakAdmin, KeycloakOpenIDConnection

TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who bootstraps: a person of `realm`, or with `client_id` a client with a service account."""

    name: str
    secret: str
    realm: str = "master"
    is_client: bool = False

    def __repr__(self) -> str:
        return f"Administrator(name={self.name!r}, secret=****)"


def connect(server: str, administrator: Administrator, ca_file: Path | None = None) -> KeycloakAdmin:
    """Nothing is sent before the first call. `server`: as `https://sso.firm.example`, without the realm's path."""
    connection = KeycloakOpenIDConnection(
        server_url=server.rstrip("/"),
        realm_name=administrator.realm,
        user_realm_name=administrator.realm,
        client_id=administrator.name if administrator.is_client else "admin-cli",
        client_secret_key=administrator.secret if administrator.is_client else None,
        username=None if administrator.is_client else administrator.name,
        password=None if administrator.is_client else administrator.secret,
        grant_type="client_credentials" if administrator.is_client else "password",
        verify=True if ca_file is None else str(ca_file),
        timeout=TIMEOUT_S,
    )
    return KeycloakAdmin(connection=connection)
