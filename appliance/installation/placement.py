"""Where things are, seen from a host: the arithmetic that all renderers share."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from appliance.installation.components import ENGINE_PORT, Name, component
from appliance.installation.description import Installation

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Engine:
    """One vLLM process."""

    model: str
    host: str
    port: int
    instance: str
    """What stands behind `vllm@` in its unit's name: the model, with a number from the second replica on."""
    args: tuple[str, ...] = ()
    adapters: bool = False


def hosts_with(installation: Installation, name: Name) -> tuple[str, ...]:
    """Hosts that have a component, in the order of the description."""
    return tuple(host for host, given in installation.hosts.items() if name in given.components)


def address_of(installation: Installation, name: Name, seen_from: str) -> str:
    """By which address a host reaches a component: its own first. Empty when no host has it."""
    there = hosts_with(installation, name)
    if seen_from in there:
        return LOOPBACK if component(name).on_loopback else listen_address(installation, name, seen_from)
    return installation.hosts[there[0]].address if there else ""


def listen_address(installation: Installation, name: Name, host: str) -> str:
    """Where a component of a host listens: on the loopback address, unless other hosts use it."""
    return installation.hosts[host].address if needs_network(installation, name, host) else LOOPBACK


def engines_of(installation: Installation) -> tuple[Engine, ...]:
    """All engines. A port is one engine's on all hosts, so that a model can move without a clash."""
    found = []
    port = ENGINE_PORT
    for model in installation.models:
        for replica in range(model.replicas):
            instance = model.id if replica == 0 else f"{model.id}-{replica + 1}"
            found += [Engine(model.id, host, port, instance, model.engine_args, model.adapters) for host in model.hosts]
            port += 1
    return tuple(found)


def needs_network(installation: Installation, name: Name, host: str) -> bool:
    """Whether others than the host itself use its component, so that it must listen on the host's address."""
    users = {other for user in component(name).used_by for other in hosts_with(installation, user)}
    return bool(users - {host})


def public_name(installation: Installation) -> str:
    """Host name of the address that people type."""
    return urlsplit(installation.public_url).hostname or ""


def issuer(installation: Installation) -> str:
    """The identity provider as tokens name it; empty without single sign-on."""
    given = installation.identity
    if given.mode != "oidc":
        return ""
    return given.external_issuer or f"https://{given.hostname}/realms/{given.realm}"
