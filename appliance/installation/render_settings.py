"""The settings of a gateway or worker: `appliance.toml` of a host."""

from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.installation.components import component
from appliance.installation.description import Installation
from appliance.installation.placement import address_of, engines_of, hosts_with, issuer, listen_address

SECRETS = "/etc/appliance/secrets"
"""On a host: one file for each secret of the gateway, readable by its user only."""
CA_FILE = "/etc/appliance/ca.pem"


def to_settings(installation: Installation, host: str, drained: frozenset[str] = frozenset()) -> dict[str, Any]:
    """`appliance.toml` of a host as a table; `settings` of the description is laid over it.

    Engines on `drained` hosts are left out.
    """
    made: dict[str, Any] = {
        "data_dir": component("gateway").data,
        "server": {
            "host": listen_address(installation, "gateway", host),
            "port": component("gateway").port(),
            "public_url": installation.public_url,
            "trusted_proxies": _proxies(installation, host),
        },
        "database": {"url_file": f"{SECRETS}/database-url"},
        "engines": {"models": _models(installation, drained)},
        "metrics": {"token_file": f"{SECRETS}/metrics-token"},
    }
    if installation.index.mode != "embedded":
        index = installation.index
        url = index.url or f"http://{address_of(installation, 'index', host)}:{component('index').port()}"
        made["index"] = {"url": url, "api_key_file": f"{SECRETS}/index-key"}
    if installation.cache.mode != "none":
        made["limits"] = {"url_file": f"{SECRETS}/cache-url"}
    if hosts_with(installation, "worker") and host not in hosts_with(installation, "worker"):
        made["documents"] = {"parallel": 0}
    if installation.identity.mode == "oidc":
        made["identity"] = {"mode": "oidc", "oidc": _oidc(installation)}
    return _over(made, installation.settings)


def to_toml(settings: Mapping[str, Any]) -> str:
    """A table of settings as TOML: plain values first, then tables, then lists of tables."""
    return "\n".join(_lines(settings, ())) + "\n"


def _proxies(installation: Installation, host: str) -> list[str]:
    """From where they come: one on this host from the address on which the gateway listens."""
    there = hosts_with(installation, "proxy")
    own = listen_address(installation, "gateway", host)
    return [own if proxy == host else installation.hosts[proxy].address for proxy in there]


def _models(installation: Installation, drained: frozenset[str]) -> list[dict[str, Any]]:
    engines = engines_of(installation)
    return [
        {
            "id": model.id,
            "base_urls": [
                f"http://{listen_address(installation, 'engines', e.host)}:{e.port}/v1"
                for e in engines
                if e.model == model.id and e.host not in drained
            ],
            "max_running": model.max_running,
            "max_waiting": model.max_waiting,
            **({"fallbacks": list(model.fallbacks)} if model.fallbacks else {}),
        }
        for model in installation.models
    ]


def _oidc(installation: Installation) -> dict[str, Any]:
    given = installation.identity
    private_ca = (
        given.ca_file if given.external_issuer else installation.tls.mode == "own_ca" or installation.tls.ca_file
    )
    found: dict[str, Any] = {
        "issuer": issuer(installation),
        "client_id": given.client_id,
        "client_secret_file": f"{SECRETS}/oidc-client",
        "audience": given.client_id,
        "allowed_azp": [given.client_id, f"{given.client_id}-service"],
        "roles_claim": "roles",
        "admitted_groups": list(given.admitted_groups),
        **(
            {"role_groups": {role: list(groups) for role, groups in given.role_groups.items()}}
            if given.role_groups
            else {}
        ),
        **({"ca_file": CA_FILE} if private_ca else {}),
    }
    if not given.external_issuer:
        found["directory_client_id"] = f"{given.client_id}-directory"
        found["directory_secret_file"] = f"{SECRETS}/oidc-directory"
    return found


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        merged[key] = _over(inner, value) if isinstance(value, dict) and isinstance(inner, dict) else value
    return merged


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {k: v for k, v in table.items() if not isinstance(v, dict) and not _is_tables(v)}
    lines = [f"{_key(k)} = {_value(v)}" for k, v in plain.items()]
    for key, value in table.items():
        name = ".".join(_key(k) for k in (*path, key))
        if isinstance(value, dict):
            lines += ["", f"[{name}]", *_lines(value, (*path, key))]
        elif _is_tables(value):
            for element in value:
                lines += ["", f"[[{name}]]", *_lines(element, (*path, key))]
    return lines


def _is_tables(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(v, dict) for v in value)


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _text(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return str(value) if isinstance(value, int | float) else _text(str(value))


def _text(text: str) -> str:
    """A basic string of TOML, which escapes as JSON does, and the delete character as well."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
