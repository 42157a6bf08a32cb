"""From what there should be to what there is, object by object."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import requests
from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakConnectionError, KeycloakError, KeycloakGetError

from appliance.foundation import ApplianceError
from appliance.identity.bootstrap.wanted import Client, Plan

ABSENT = 404


class KeycloakRefused(ApplianceError):
    """Keycloak could not be reached, or did not do what it was asked."""

    code = "keycloak_refused"
    remedy = "Look at the address, at the administrator's name and secret, and at Keycloak's own log."


@dataclass(frozen=True, slots=True)
class Change:
    """One object that was made or changed, or would be."""

    object: str
    """As `client appliance`."""
    act: Literal["created", "changed"]
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Of what is changed: name → (before, after)."""

    def sentence(self) -> str:
        if self.act == "created":
            return f"created {self.object}"
        told = "; ".join(
            f"{name}: {_short(before)} -> {_short(after)}" for name, (before, after) in self.fields.items()
        )
        return f"changed {self.object}: {told}"


class Bootstrap:
    """Brings a realm to a plan. With `dry_run` it looks only, and says the same."""

    def __init__(self, admin: KeycloakAdmin, plan: Plan, *, dry_run: bool = False) -> None:
        self._admin = admin
        self._plan = plan
        self._dry_run = dry_run
        self._changes: list[Change] = []
        self._realm_exists = True

    def run(self) -> list[Change]:
        """What was created or changed. Doing it again finds nothing. Raises KeycloakRefused."""
        with _speaking():
            self._realm()
            self._admin.change_current_realm(self._plan.realm["realm"])
            self._groups()
            for client in self._plan.clients:
                self._client(client)
        return self._changes

    def secret(self, client_id: str) -> str:
        """A client's secret. Raises KeycloakRefused."""
        with _speaking():
            self._admin.change_current_realm(self._plan.realm["realm"])
            found = self._admin.get_client_secrets(self._admin.get_client_id(client_id) or "")
        return str(found["value"])

    def _note(self, change: Change) -> bool:
        """Whether it is to be done now."""
        self._changes.append(change)
        return not self._dry_run

    def _realm(self) -> None:
        name = self._plan.realm["realm"]
        try:
            present = self._admin.get_realm(name)
        except KeycloakGetError as error:
            if error.response_code != ABSENT:
                raise
            self._realm_exists = False
            if self._note(Change(f"realm {name}", "created")):
                self._admin.create_realm({**self._plan.new_realm, **self._plan.realm})
                self._realm_exists = True
                # The token at hand was issued before the realm was, and carries no right on it.
                self._admin.connection.get_token()
            return
        changed = _differences(present, self._plan.realm)
        if changed and self._note(Change(f"realm {name}", "changed", changed)):
            self._admin.update_realm(name, _merged(present, self._plan.realm))

    def _groups(self) -> None:
        for path in self._plan.groups:
            if self._group_id(path) is not None:
                continue
            parent, _, name = path.rpartition("/")
            if self._note(Change(f"group {path}", "created")):
                self._admin.create_group({"name": name}, parent=self._group_id(parent) if parent else None)

    def _group_id(self, path: str) -> str | None:
        if not self._realm_exists:
            return None
        try:
            found = self._admin.get_group_by_path(path)
        except KeycloakGetError as error:
            if error.response_code != ABSENT:
                raise
            return None
        return found.get("id")

    def _client(self, client: Client) -> None:
        internal = self._admin.get_client_id(client.client_id) if self._realm_exists else None
        label = f"client {client.client_id}"
        if internal is None:
            if self._note(Change(label, "created")):
                internal = self._admin.create_client({**client.fields, "protocolMappers": list(client.mappers)})
        else:
            present = self._admin.get_client(internal)
            changed = _differences(present, client.fields)
            if changed and self._note(Change(label, "changed", changed)):
                self._admin.update_client(internal, _merged(present, client.fields))
            for mapper in client.mappers:
                self._mapper(label, internal, mapper, present.get("protocolMappers", []))
        self._roles(client, internal)
        self._rights(client, internal)

    def _mapper(self, label: str, internal: str, mapper: Mapping[str, Any], present: list[dict[str, Any]]) -> None:
        found = next((m for m in present if m["name"] == mapper["name"]), None)
        if found is None:
            if self._note(Change(f"mapper '{mapper['name']}' of {label}", "created")):
                self._admin.add_mapper_to_client(internal, dict(mapper))
            return
        changed = _differences(found, mapper)
        if changed and self._note(Change(f"mapper '{mapper['name']}' of {label}", "changed", changed)):
            self._admin.update_client_mapper(internal, found["id"], _merged(found, mapper))

    def _roles(self, client: Client, internal: str | None) -> None:
        if client.client_id != self._plan.role_client:
            return
        present = {role["name"] for role in self._admin.get_client_roles(internal)} if internal else set()
        for role in self._plan.roles:
            if role not in present and self._note(Change(f"role {role} of client {client.client_id}", "created")):
                self._admin.create_client_role(internal or "", {"name": role})

    def _rights(self, client: Client, internal: str | None) -> None:
        if not client.realm_rights:
            return
        account = management = ""
        held: set[str] = set()
        if internal is not None:
            account = self._admin.get_client_service_account_user(internal)["id"]
            management = self._admin.get_client_id("realm-management") or ""
            held = {role["name"] for role in self._admin.get_client_roles_of_user(account, management)}
        for right in client.realm_rights:
            if right not in held and self._note(Change(f"right {right} of client {client.client_id}", "created")):
                self._admin.assign_client_role(account, management, [self._admin.get_client_role(management, right)])


def _differences(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Fields of `wanted` that are otherwise in `present`; what `wanted` does not name is left alone."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, value in wanted.items():
        before = present.get(name)
        if isinstance(value, Mapping):
            inner = _differences(before if isinstance(before, Mapping) else {}, value)
            found.update({f"{name}.{key}": pair for key, pair in inner.items()})
        elif isinstance(value, list):
            if sorted(before or []) != sorted(value):
                found[name] = (before, value)
        elif before != value:
            found[name] = (before, value)
    return found


def _merged(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(present)
    for name, value in wanted.items():
        before = merged.get(name)
        merged[name] = (
            {**(before if isinstance(before, Mapping) else {}), **value} if isinstance(value, Mapping) else value
        )
    return merged


def _short(value: Any) -> str:
    return "nothing" if value in (None, []) else str(value)


@contextmanager
def _speaking() -> Iterator[None]:
    try:
        yield
    except KeycloakConnectionError as error:
        if isinstance(error.__cause__, requests.exceptions.SSLError):
            raise KeycloakRefused(
                "Keycloak's certificate is not trusted.",
                remedy="Name the authority that signed it with --ca-file, in PEM.",
            ) from error
        raise KeycloakRefused(f"Keycloak cannot be reached: {error}.") from error
    except KeycloakError as error:
        raise KeycloakRefused(f"Keycloak answered: {error}.") from error
    except requests.RequestException as error:
        raise KeycloakRefused(f"Keycloak cannot be reached: {type(error).__name__}.") from error
