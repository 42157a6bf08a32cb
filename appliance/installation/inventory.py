"""The Ansible inventory: groups are components, every other fact is a variable that a role declares."""

from typing import Any, get_args

from appliance.installation.components import COMPONENTS, Component, Name
from appliance.installation.description import Installation
from appliance.installation.placement import (
    Engine,
    address_of,
    engines_of,
    hosts_with,
    issuer,
    listen_address,
    public_name,
)
from appliance.installation.render_settings import to_settings, to_toml

HOST_EXPORTER = 9100


def to_inventory(installation: Installation, drained: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Everything that playbooks know of an installation, as Ansible reads it from YAML or JSON.

    `drained`: hosts that are out for maintenance. Their engines and their gateway get no requests.
    """
    return {
        "all": {
            "vars": {**_everywhere(installation), "appliance_drained": sorted(drained)},
            "hosts": {name: _host(installation, name, drained) for name in installation.hosts},
            "children": {
                name: {"hosts": {host: {} for host in hosts_with(installation, name)}} for name in get_args(Name)
            },
        }
    }


def _everywhere(installation: Installation) -> dict[str, Any]:
    identity, tls, backup = installation.identity, installation.tls, installation.backup
    return {
        "appliance_name": installation.name,
        "appliance_layout": installation.layout,
        "appliance_public_url": installation.public_url,
        "appliance_public_name": public_name(installation),
        "appliance_names": _names(installation),
        "appliance_components": {c.name: _component(c.name) for c in COMPONENTS},
        "appliance_tls": {"mode": tls.mode},
        "appliance_database_mode": installation.database.mode,
        "appliance_index_mode": installation.index.mode,
        "appliance_cache_mode": installation.cache.mode,
        "appliance_identity": {
            "mode": identity.mode,
            "hostname": identity.hostname,
            "realm": identity.realm,
            "issuer": issuer(installation),
            "bundled": bool(hosts_with(installation, "identity")),
            "client_id": identity.client_id,
            "groups": _groups(installation),
        },
        "appliance_engines": {
            "device": installation.engines.device,
            "environment_dir": installation.engines.environment_dir,
            "model_dir": installation.engines.model_dir,
            "kv_cache_gib": installation.engines.kv_cache_gib,
            "start_s": installation.engines.start_s,
            "drain_s": installation.engines.drain_s,
        },
        "appliance_backup": {
            "folder": backup.folder,
            "schedule": backup.schedule,
            "keep": backup.keep,
        },
        "appliance_monitoring": {
            "retention_days": installation.monitoring.retention_days,
            "alert_webhook": installation.monitoring.alert_webhook,
        },
        "appliance_network": {
            "operators": list(installation.network.operators),
            "clients": list(installation.network.clients),
            "egress": [_peer(text) for text in installation.network.egress],
        },
    }


def _host(installation: Installation, name: str, drained: frozenset[str]) -> dict[str, Any]:
    host = installation.hosts[name]
    reach = {"ansible_connection": "local"} if host.connection == "local" else {"ansible_port": host.port}
    runs = [c for c in get_args(Name) if c in host.components]
    return {
        "ansible_host": host.address,
        "ansible_user": host.user,
        "ansible_become": host.user != "root",
        **reach,
        "appliance_address": host.address,
        "appliance_host_components": runs,
        "appliance_listen": {c: listen_address(installation, c, name) for c in runs},
        "appliance_reach": {c: address_of(installation, c, name) for c in get_args(Name)},
        "appliance_host_engines": [_engine(e) for e in engines_of(installation) if e.host == name],
        "appliance_engine_address": listen_address(installation, "engines", name),
        "appliance_open": _open(installation, name),
        "appliance_settings_toml": to_toml(to_settings(installation, name, drained)),
    }


def _open(installation: Installation, host: str) -> list[dict[str, Any]]:
    """Ports of this host that other hosts of the installation may reach, and from where."""
    rules: dict[tuple[int, str], set[str]] = {}
    for row in COMPONENTS:
        if host not in hosts_with(installation, row.name):
            continue
        for number, used_by in _ports(installation, row, host).items():
            users = {other for user in used_by for other in hosts_with(installation, user)} - {host}
            rules.setdefault((number, row.name), set()).update(installation.hosts[o].address for o in users)
    watchers = {installation.hosts[m].address for m in hosts_with(installation, "monitoring") if m != host}
    rules.setdefault((HOST_EXPORTER, "monitoring"), set()).update(watchers)
    return [
        {"port": port, "component": name, "sources": sorted(sources)}
        for (port, name), sources in sorted(rules.items())
        if sources
    ]


def _ports(installation: Installation, row: Component, host: str) -> dict[int, frozenset[Name]]:
    """Port of a component on this host → components that connect to it."""
    if row.name == "engines":
        return {e.port: row.used_by for e in engines_of(installation) if e.host == host}
    return {p.number: p.used_by or row.used_by for p in row.ports if not p.public}


def _names(installation: Installation) -> dict[str, str]:
    """Names that hosts must know without a name server: address of the proxy for the public ones."""
    proxy = installation.hosts[hosts_with(installation, "proxy")[0]].address
    names = {public_name(installation): proxy}
    if installation.identity.hostname:
        names[installation.identity.hostname] = proxy
    return names | {f"{name}.{installation.name}.internal": h.address for name, h in installation.hosts.items()}


def _groups(installation: Installation) -> list[str]:
    given = installation.identity
    return sorted({*given.admitted_groups, *(g for groups in given.role_groups.values() for g in groups)})


def _component(name: Name) -> dict[str, Any]:
    row = next(c for c in COMPONENTS if c.name == name)
    return {
        "unit": row.unit,
        "user": row.user,
        "uid": row.uid,
        "ports": {p.name: p.number for p in row.ports},
        "health": {"port": row.health.port, "path": row.health.path, "command": list(row.health.command)},
        "data": row.data,
    }


def _engine(engine: Engine) -> dict[str, Any]:
    return {
        "model": engine.model,
        "instance": engine.instance,
        "port": engine.port,
        "args": list(engine.args),
        "adapters": engine.adapters,
    }


def _peer(text: str) -> dict[str, Any]:
    """`10.0.0.53:53/udp` in parts."""
    target, _, protocol = text.partition("/")
    address, _, port = target.rpartition(":")
    return {"address": address, "port": int(port), "protocol": protocol or "tcp"}
