"""Values of the Helm chart from the same description that playbooks read.

What a cluster has and hosts do not is named by convention, and can be overlaid by a second file of values: the Secret
`appliance-secrets`, the claims `appliance-models` and `appliance-adapters`, the ConfigMap `appliance-ca`, the TLS
Secrets `appliance-tls` and `appliance-identity-tls`. Images are in no description: their digests come with the bundle.
"""

import math
from typing import Any

import msgspec

from appliance.inference import Catalogue, Entry
from appliance.inference.gpus import WEIGHTS_FACTOR, WORKSPACE_GIB
from appliance.installation.components import Name
from appliance.installation.description import Installation, Model
from appliance.installation.placement import hosts_with

SECRET, MODELS, ADAPTERS, AUTHORITIES = "appliance-secrets", "appliance-models", "appliance-adapters", "appliance-ca"
TLS, IDENTITY_TLS = "appliance-tls", "appliance-identity-tls"

PAGE_CACHE_RATIO = 1.5
"""Memory of a pod with GPUs over the size of its weights: they are read through it."""

BESIDES_GIB = 4.0
"""What such a pod needs whatever it serves."""


def to_values(installation: Installation, catalogue: Catalogue) -> dict[str, Any]:
    """Raises ModelUnknown: the catalogue has no such model."""
    gateways, workers = _copies(installation, "gateway"), _copies(installation, "worker")
    shared = gateways > 1 or workers > 0
    return {
        "fullnameOverride": installation.name[:30].rstrip("-"),
        "publicUrl": installation.public_url,
        "secrets": {"existingSecret": SECRET},
        "gateway": {
            "replicas": gateways,
            "data": {"accessMode": "ReadWriteMany" if shared else "ReadWriteOnce"},
        },
        "worker": {"replicas": workers},
        "engines": _engines(installation),
        "models": [_model(model, catalogue.get(model.id), installation) for model in installation.models],
        "database": {"mode": installation.database.mode},
        "index": {"mode": installation.index.mode, "url": installation.index.url},
        "cache": {"mode": installation.cache.mode},
        "identity": _identity(installation),
        "exposure": {"mode": "ingress", "ingress": {"tlsSecret": TLS, "identityTlsSecret": IDENTITY_TLS}},
        "networkPolicy": {"external": _outside(installation)},
        "settings": installation.settings,
    }


def _copies(installation: Installation, name: Name) -> int:
    return len(hosts_with(installation, name))


def _engines(installation: Installation) -> dict[str, Any]:
    given = installation.engines
    adapters = any(model.adapters for model in installation.models)
    return {
        "startMinutes": math.ceil(given.start_s / 60),
        "drainSeconds": max(1, given.drain_s),
        "models": {"existingClaim": MODELS},
        **({"adapters": {"existingClaim": ADAPTERS}} if adapters else {}),
    }


def _model(model: Model, entry: Entry, installation: Installation) -> dict[str, Any]:
    on_processor = installation.engines.device == "cpu"
    probe = {k: v for k, v in msgspec.to_builtins(entry.probe).items() if v is not None}
    return {
        "id": model.id,
        "task": entry.task,
        "replicas": model.replicas * len(model.hosts),
        "device": installation.engines.device,
        "gpus": entry.gpus,
        "args": [*entry.engine_args, *model.engine_args],
        "adapters": model.adapters,
        "maxRunning": model.max_running,
        "maxWaiting": model.max_waiting,
        "resources": _resources(entry, installation),
        **({"probe": probe} if probe else {}),
        **({"fallbacks": list(model.fallbacks)} if model.fallbacks else {}),
        **({"kvCacheGib": installation.engines.kv_cache_gib} if on_processor else {}),
    }


def _resources(entry: Entry, installation: Installation) -> dict[str, Any]:
    """Asked for is what it surely needs; the limit leaves half as much again, since beyond it the engine is killed."""
    if installation.engines.device == "cpu":
        cores = ("1", "2")
        need = entry.weights_gib * WEIGHTS_FACTOR + WORKSPACE_GIB + installation.engines.kv_cache_gib
    else:
        cores = (str(2 * entry.gpus), str(8 * entry.gpus))
        need = entry.weights_gib * PAGE_CACHE_RATIO + BESIDES_GIB
    return {
        "requests": {"cpu": cores[0], "memory": f"{math.ceil(need)}Gi"},
        "limits": {"cpu": cores[1], "memory": f"{math.ceil(need * 1.5)}Gi"},
    }


def _identity(installation: Installation) -> dict[str, Any]:
    given = installation.identity
    private = given.ca_file if given.external_issuer else installation.tls.mode == "own_ca" or installation.tls.ca_file
    return {
        "mode": given.mode,
        "hostname": given.hostname,
        "realm": given.realm,
        "externalIssuer": given.external_issuer,
        "clientId": given.client_id,
        "admittedGroups": list(given.admitted_groups),
        "roleGroups": {role: list(groups) for role, groups in given.role_groups.items()},
        **({"ca": {"existingConfigMap": AUTHORITIES}} if given.mode == "oidc" and private else {}),
    }


def _outside(installation: Installation) -> list[dict[str, Any]]:
    """TCP only: names are asked of the cluster's own DNS."""
    found: dict[str, list[int]] = {}
    for target in installation.network.egress:
        address, _, port = target.partition(":")
        number, _, protocol = port.partition("/")
        if protocol in ("", "tcp") and number.isdigit():
            found.setdefault(address if "/" in address else f"{address}/32", []).append(int(number))
    return [{"cidr": cidr, "ports": ports} for cidr, ports in found.items()]
