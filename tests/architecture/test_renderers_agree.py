"""Inventory, settings of a host, Helm values and the chart's files say the same of one installation."""

import re
from pathlib import Path
from typing import Any

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
from appliance.installation.values import to_values

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "playbooks" / "inventory" / "sample" / "installation.yml"
TEMPLATES = ROOT / "helm" / "templates"
CATALOGUE = Catalogue.load()
IN_CHART = ("gateway", "worker", "engines", "database", "index", "cache", "identity")
"""The proxy and monitoring are the cluster's own."""


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
