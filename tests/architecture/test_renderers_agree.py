"""Inventory, settings of a host, Helm values and the chart's files say the same of one installation."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from appliance.inference import Catalogue
from appliance.installation import (
    COMPONENTS,
    Installation,
    component,
    engines_of,
    load,
    parse,
    to_inventory,
    to_settings,
)
from appliance.installation.placement import LOOPBACK
from appliance.installation.values import to_values

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "playbooks" / "inventory" / "sample" / "installation.yml"
TEMPLATES = ROOT / "helm" / "templates"
ROLES = ROOT / "playbooks" / "roles"
CATALOGUE = Catalogue.load()
IN_CHART = ("gateway", "worker", "engines", "database", "index", "cache", "identity")
"""The proxy and monitoring are the cluster's own."""
OUR_UNITS = {"gateway": "gateway", "engines": "vllm", "identity": "keycloak", "index": "index"}
"""Component → the role that writes its unit; Debian's packages bring the other units."""
DEBIANS = {"database": "postgresql", "cache": "cache", "proxy": "proxy", "monitoring": "monitoring"}
"""Component → the role that installs Debian's package."""


def of_three_hosts() -> Installation:
    given: dict[str, Any] = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    given["layout"] = "ha"
    given["hosts"] = {
        "a": {"address": "10.77.0.21", "components": ["proxy", "gateway", "engines"]},
        "b": {"address": "10.77.0.22", "components": ["gateway", "worker", "engines"]},
        "c": {"address": "10.77.0.23", "components": ["database", "index", "cache", "identity", "monitoring"]},
    }
    given["index"] = {"mode": "bundled"}
    given["models"] = [
        {"id": "smollm2-135m-instruct", "hosts": ["a", "b"], "replicas": 2, "engine_args": ["--seed", "1"]},
        {"id": "multilingual-e5-small", "hosts": ["b"], "max_running": 64},
    ]
    return parse(given)


@pytest.fixture(params=["one host", "three hosts"])
def installation(request: pytest.FixtureRequest) -> Installation:
    return load(SAMPLE) if request.param == "one host" else of_three_hosts()


def test_models_and_their_engines_are_the_same(installation: Installation) -> None:
    values = to_values(installation, CATALOGUE)
    by_id = {m["id"]: m for m in values["models"]}
    hosts = to_inventory(installation)["all"]["hosts"]
    on_hosts = [e for host in hosts.values() for e in host.get("appliance_host_engines", [])]
    assert len(on_hosts) == sum(m["replicas"] for m in values["models"]) == len(engines_of(installation))
    gateway = next(name for name, host in installation.hosts.items() if "gateway" in host.components)
    settings = to_settings(installation, gateway)["engines"]["models"]
    assert [m["id"] for m in settings] == [m["id"] for m in values["models"]]
    for model in settings:
        assert len(model["base_urls"]) == by_id[model["id"]]["replicas"]
        assert (model["max_running"], model["max_waiting"]) == (
            by_id[model["id"]]["maxRunning"],
            by_id[model["id"]]["maxWaiting"],
        )


def test_each_engine_has_one_port_everywhere(installation: Installation) -> None:
    values = to_values(installation, CATALOGUE)
    inventory = to_inventory(installation)["all"]["hosts"]
    on_hosts = {(h, e["model"], e["port"]) for h, given in inventory.items() for e in given["appliance_host_engines"]}
    assert {model for _, model, _ in on_hosts} == {m["id"] for m in values["models"]}
    first = component("engines").port()
    assert {port for _, _, port in on_hosts} == set(range(first, first + sum(m.replicas for m in installation.models)))
    by_address = {installation.hosts[host].address: host for host in installation.hosts}
    for name in (n for n, host in installation.hosts.items() if "gateway" in host.components):
        known = set()
        for model in to_settings(installation, name)["engines"]["models"]:
            for url in map(urlsplit, model["base_urls"]):
                host = name if url.hostname == LOOPBACK else by_address[url.hostname or ""]
                known.add((host, model["id"], url.port))
        assert known == on_hosts


def test_the_inventory_has_the_whole_table(installation: Installation) -> None:
    inventory = to_inventory(installation)["all"]
    told = inventory["vars"]["appliance_components"]
    assert set(told) == {row.name for row in COMPONENTS} == set(inventory["children"])
    for row in COMPONENTS:
        assert told[row.name] == {
            "unit": row.unit,
            "user": row.user,
            "uid": row.uid,
            "ports": {port.name: port.number for port in row.ports},
            "health": {"port": row.health.port, "path": row.health.path, "command": list(row.health.command)},
            "data": row.data,
        }
        having = {name for name, host in installation.hosts.items() if row.name in host.components}
        assert set(inventory["children"][row.name]["hosts"]) == having


def test_modes_addresses_and_people_are_the_same(installation: Installation) -> None:
    values = to_values(installation, CATALOGUE)
    gateway = next(name for name, host in installation.hosts.items() if "gateway" in host.components)
    settings = to_settings(installation, gateway)
    assert values["publicUrl"] == settings["server"]["public_url"]
    assert values["identity"]["clientId"] == settings["identity"]["oidc"]["client_id"]
    assert values["identity"]["admittedGroups"] == settings["identity"]["oidc"]["admitted_groups"]
    assert values["gateway"]["replicas"] == sum("gateway" in h.components for h in installation.hosts.values())
    assert ("index" in settings) == (values["index"]["mode"] != "embedded")
    assert ("limits" in settings) == (values["cache"]["mode"] != "none")


@pytest.mark.parametrize("name", IN_CHART)
def test_the_chart_has_the_ports_users_and_checks_of_the_table(name: str) -> None:
    there = component(name)  # type: ignore[arg-type] # each is a name of the table
    text = "\n".join(p.read_text(encoding="utf-8") for p in sorted((TEMPLATES / name).iterdir()))
    for port in there.ports:
        assert re.search(rf"name: {port.name}, containerPort: {port.number}\b", text), f"{name}: {port}"
    if there.uid is not None:
        assert re.search(rf'\(list (\.|\$root) "{name}" {there.uid}\)', text), f"{name} runs as {there.uid} on hosts"
    if there.health.path and name != "gateway":  # whose probe asks the same page by a script
        assert f"path: {there.health.path}, port: {there.health.port}" in text


def test_the_gateway_is_asked_by_its_own_page() -> None:
    script = (ROOT / "helm" / "files" / "gateway_ready.py").read_text(encoding="utf-8")
    assert f'"{component("gateway").health.path}"' in script
    assert str(component("gateway").port()) in script


def test_who_reaches_whom_is_as_in_the_table() -> None:
    named = {row.name for row in COMPONENTS}
    for name in ("engines", "database", "index", "cache"):
        text = "\n".join(p.read_text(encoding="utf-8") for p in sorted((TEMPLATES / name).iterdir()))
        rule = re.search(r'"appliance\.(?:store\.objects|peers)" \(list (?:\.|\$) ([^)]*)\)', text)
        assert rule, name
        callers = set(re.findall(r'"([a-z]+)"', rule[1])) - {name}
        wanted = set(component(name).used_by) - {"monitoring"}  # type: ignore[arg-type] # as above
        assert callers & named == wanted, name


def text_of(role: str) -> str:
    return "\n".join(p.read_text(encoding="utf-8") for p in sorted((ROLES / role).rglob("*")) if p.is_file())


@pytest.mark.parametrize("name", sorted(OUR_UNITS))
def test_our_units_are_those_of_the_table(name: str) -> None:
    there = component(name)  # type: ignore[arg-type] # each is a name of the table
    unit = (ROLES / OUR_UNITS[name] / "templates" / f"{there.unit}.j2").read_text(encoding="utf-8")
    said = dict(line.split("=", 1) for line in unit.splitlines() if re.match(r"(User|Group|StateDirectory)=", line))
    assert (said["User"], said["Group"]) == (there.user, there.user)
    state = f"/var/lib/{said['StateDirectory']}"
    assert state == there.data or name == "engines", "engines only read their data folder"
    assert name != "engines" or there.data in text_of("vllm")
    if there.unit.endswith("@.service"):
        assert there.unit.replace("@", "@{{ item.instance }}") in text_of(OUR_UNITS[name])


@pytest.mark.parametrize("name", sorted(DEBIANS))
def test_debians_units_are_those_of_the_table(name: str) -> None:
    there = component(name)  # type: ignore[arg-type] # as above
    tasks = text_of(DEBIANS[name]).replace("{{ cache_kind }}", "redis")  # Debian 13 has the same by another name
    assert re.search(rf"\b{there.unit.removesuffix('.service')}\b", tasks), f"{name}: {there.unit}"
    assert there.uid is None, "Debian's package makes the user"


def test_roles_ask_each_component_as_the_table_says() -> None:
    asked = {
        "gateway": ("gateway", "{{ appliance_components.gateway.health.path }}"),
        "engines": ("vllm", component("engines").health.path),
        "identity": ("keycloak", f"GET {component('identity').health.path} "),
        "index": ("index", "GET {{ appliance_components.index.health.path }} "),
        "database": ("postgresql", " ".join(component("database").health.command)),
        "cache": ("cache", component("cache").health.command[-1]),
        "proxy": ("proxy", f"location = {component('proxy').health.path} {{ proxy_pass"),
        "monitoring": ("monitoring", component("monitoring").health.path),
    }
    for name, (role, word) in asked.items():
        assert word in text_of(role), f"{name} is not asked by {word}"


def test_roles_take_ports_from_the_table() -> None:
    """A number in a role would stay what it is when the table changes; nginx's two stand in its own words."""
    numbers = {str(port.number): (row.name, port) for row in COMPONENTS for port in row.ports}
    for file in (p for p in ROLES.rglob("*") if p.is_file()):
        for line in file.read_text(encoding="utf-8").splitlines():
            for found in re.findall(r"(?<![\w.-])\d{2,5}(?![\w.])", line):
                name, port = numbers.get(found, ("", None))
                assert port is None or (name == "proxy" and "listen" in line), f"{file.relative_to(ROLES)}: {line}"
    site = (ROLES / "proxy" / "templates" / "appliance.conf.j2").read_text(encoding="utf-8")
    assert set(re.findall(r"listen (\d+)", site)) == {str(port.number) for port in component("proxy").ports}


def test_every_component_has_a_play_or_is_refused() -> None:
    plays = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text(encoding="utf-8"))
    run = {play["hosts"] for play in plays} | {"monitoring"}  # watched on all hosts
    missing = {row.name for row in COMPONENTS} - run
    refused = set(re.findall(r"groups\['(\w+)'\] \| length == 0", text_of("validate_inventory")))
    assert missing == refused, "a component without a role must be refused, and no other"
