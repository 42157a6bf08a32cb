"""From the file to a checked description. What is refused is named by its key, with the way out."""

import difflib
from collections.abc import Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from appliance.installation.description import Installation
from appliance.installation.errors import InstallationInvalid
from appliance.installation.placement import hosts_with


def load(file: Path) -> Installation:
    """Raises InstallationInvalid: it cannot be read, a key is unknown, or the parts do not fit each other."""
    import yaml  # noqa: PLC0415 - the renderers need none of it

    try:
        given = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InstallationInvalid(f"{file} cannot be read: {error}.") from error
    return parse(given)


def parse(given: object) -> Installation:
    """The same from what a file holds. Raises InstallationInvalid."""
    if not isinstance(given, dict):
        raise InstallationInvalid("A description of an installation is a table of keys.")
    _refuse_unknown(given, Installation, "")
    try:
        installation = msgspec.convert(given, Installation)
    except msgspec.ValidationError as error:
        raise InstallationInvalid(f"The description does not fit: {error}.") from error
    for sentence in _misfits(installation):
        raise InstallationInvalid(sentence)
    return installation


def _refuse_unknown(values: Mapping[str, Any], kind: type[Struct], where: str) -> None:
    fields = {f.name: f.type for f in msgspec.structs.fields(kind)}
    for key, value in values.items():
        if key not in fields:
            near = difflib.get_close_matches(str(key), list(fields), n=1)
            hint = f"Did you mean '{where}{near[0]}'?" if near else f"Valid are: {', '.join(sorted(fields))}."
            raise InstallationInvalid(f"There is no key '{where}{key}'.", remedy=hint)
        for struct, inner, name in _inside(fields[key], value, f"{where}{key}"):
            _refuse_unknown(inner, struct, f"{name}.")


def _inside(kind: Any, value: object, name: str) -> Iterator[tuple[type[Struct], Mapping[str, Any], str]]:
    """The tables inside a value, each with its struct and its name."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        if isinstance(value, dict):
            yield kind, value, name
    elif get_origin(kind) is dict and isinstance(value, dict):
        for key, inner in value.items():
            yield from _inside(get_args(kind)[1], inner, f"{name}.{key}")
    elif get_origin(kind) is tuple and isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _inside(get_args(kind)[0], inner, f"{name}[{at}]")


def _misfits(given: Installation) -> Iterator[str]:
    """One sentence for each thing that cannot be."""
    yield from _hosts(given)
    yield from _models(given)
    yield from _parts(given)
    yield from _files(given)


def _hosts(given: Installation) -> Iterator[str]:
    if given.layout == "single" and len(given.hosts) != 1:
        yield f"layout is 'single', and there are {len(given.hosts)} hosts."
    gateways = hosts_with(given, "gateway")
    if given.layout == "ha":
        if len(gateways) < 2:
            yield "layout is 'ha', and fewer than two hosts have the component 'gateway'."
        if given.index.mode == "embedded" or given.cache.mode == "none":
            yield "layout is 'ha': several gateways need index.mode and cache.mode 'bundled' or 'external'."
    elif len(gateways) != 1:
        yield f"layout is '{given.layout}', and {len(gateways)} hosts have the component 'gateway'; one must."
    for name, host in given.hosts.items():
        try:
            IPv4Address(host.address)
        except AddressValueError:
            yield f"hosts.{name}.address '{host.address}' is no IPv4 address."
    addresses = [host.address for host in given.hosts.values()]
    if len(set(addresses)) != len(addresses):
        yield "Two hosts have the same address."


def _models(given: Installation) -> Iterator[str]:
    engines = hosts_with(given, "engines")
    ids = [model.id for model in given.models]
    if not ids:
        yield "There is no model; at least one that chats and one that embeds are needed."
    if len(set(ids)) != len(ids):
        yield "A model is listed twice; 'replicas' and 'hosts' say how often it runs."
    for model in given.models:
        if not model.hosts:
            yield f"models: '{model.id}' has no host."
        for host in model.hosts:
            if host not in engines:
                yield f"models: '{model.id}' is to run on '{host}', which has no component 'engines'."
        for other in model.fallbacks:
            if other not in ids:
                yield f"models: '{model.id}' falls back to '{other}', which is not listed."


def _parts(given: Installation) -> Iterator[str]:
    wanted = {
        "database": given.database.mode == "bundled",
        "index": given.index.mode == "bundled",
        "cache": given.cache.mode == "bundled",
        "identity": given.identity.mode == "oidc" and not given.identity.external_issuer,
        "proxy": True,
    }
    for name, needed in wanted.items():
        there = hosts_with(given, name)  # type: ignore[arg-type]
        if needed and not there:
            yield f"No host has the component '{name}'."
        if there and not needed:
            yield f"{there[0]} has the component '{name}', and {name}.mode needs none."
        if len(there) > 1 and name != "proxy":
            yield f"{len(there)} hosts have the component '{name}'; one may."
    if hosts_with(given, "worker") and given.index.mode == "embedded":
        yield "The component 'worker' needs index.mode 'bundled' or 'external': the embedded index is the gateway's."


def _files(given: Installation) -> Iterator[str]:
    needed = {
        "database.url_file": given.database.mode == "external" and not given.database.url_file,
        "cache.url_file": given.cache.mode == "external" and not given.cache.url_file,
        "index.url": given.index.mode == "external" and not given.index.url,
        "tls.certificate_file": given.tls.mode == "files" and not given.tls.certificate_file,
        "tls.key_file": given.tls.mode == "files" and not given.tls.key_file,
        "identity.hostname": given.identity.mode == "oidc"
        and not (given.identity.external_issuer or given.identity.hostname),
        "identity.client_secret_file": bool(given.identity.external_issuer) and not given.identity.client_secret_file,
        "identity.admitted_groups": given.identity.mode == "oidc" and not given.identity.admitted_groups,
    }
    for key, missing in needed.items():
        if missing:
            yield f"'{key}' is missing."
