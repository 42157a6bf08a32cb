"""One description, checked, and what is rendered from it."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from appliance import settings
from appliance.installation import InstallationInvalid, engines_of, load, parse, to_inventory, to_settings, to_toml

SAMPLE = Path(__file__).resolve().parents[2] / "playbooks" / "inventory" / "sample" / "installation.yml"


def sample() -> dict[str, Any]:
    given: dict[str, Any] = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    return given


def three_nodes() -> dict[str, Any]:
    given = sample()
    given["layout"] = "multi"
    given["hosts"] = {
        "front": {"address": "10.77.0.21", "components": ["proxy", "gateway"]},
        "store": {"address": "10.77.0.22", "components": ["database", "cache", "identity", "monitoring"]},
        "gpu": {"address": "10.77.0.23", "components": ["engines"]},
    }
    given["models"] = [
        {"id": "smollm2-135m-instruct", "hosts": ["gpu"]},
        {"id": "multilingual-e5-small", "hosts": ["gpu"]},
    ]
    return given


def test_the_sample_is_a_whole_installation() -> None:
    installation = load(SAMPLE)
    assert installation.name == "acme"
    hosts = to_inventory(installation)["all"]["hosts"]
    assert [e["port"] for e in hosts["n1"]["appliance_host_engines"]] == [8101, 8102]
    assert hosts["n1"]["appliance_open"] == [], "one host opens nothing but the proxy and SSH"


def test_a_key_that_is_misspelt_is_refused_with_the_nearest_one() -> None:
    given = sample()
    given["hosts"]["n1"]["componnents"] = given["hosts"]["n1"].pop("components")
    with pytest.raises(InstallationInvalid) as refused:
        parse(given)
    assert "hosts.n1.componnents" in str(refused.value)
    assert "hosts.n1.components" in refused.value.way_out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layout": "ha"}, "fewer than two hosts"),
        ({"public_url": "http://chat.acme.example"}, "public_url"),
        ({"models": []}, "no model"),
        ({"models": [{"id": "smollm2-135m-instruct", "hosts": ["n9"]}]}, "'n9'"),
        ({"models": [{"id": "a", "hosts": ["n1"], "fallbacks": ["b"]}]}, "falls back to 'b'"),
        ({"index": {"mode": "bundled"}}, "No host has the component 'index'"),
        ({"cache": {"mode": "none"}}, "cache.mode needs none"),
        ({"database": {"mode": "external"}}, "'database', and database.mode needs none"),
        ({"tls": {"mode": "files"}}, "'tls.certificate_file' is missing"),
        ({"identity": {"mode": "oidc", "hostname": "sso.acme.example"}}, "identity.admitted_groups"),
        ({"hosts": {"n1": {"address": "n1.example", "components": ["gateway"]}}}, "no IPv4 address"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InstallationInvalid) as refused:
        parse(sample() | change)
    assert said in str(refused.value)


@pytest.mark.parametrize("given", [sample(), three_nodes()], ids=["one", "three"])
def test_the_gateway_takes_the_settings_that_are_rendered(given: dict[str, Any], tmp_path: Path) -> None:
    installation = parse(given)
    host = next(name for name, h in installation.hosts.items() if "gateway" in h.components)
    table = to_settings(installation, host)
    assert tomllib.loads(to_toml(table)) == table
    (tmp_path / "secret").write_text("postgresql://somebody:word@127.0.0.1/appliance")
    (tmp_path / "secret").chmod(0o600)
    text = to_toml(table).replace("/etc/appliance/secrets/database-url", str(tmp_path / "secret"))
    text = text.replace("/etc/appliance/secrets/cache-url", str(tmp_path / "secret"))
    (tmp_path / "token").write_text("a-token-of-enough-characters")
    (tmp_path / "token").chmod(0o600)
    text = text.replace("/etc/appliance/secrets/metrics-token", str(tmp_path / "token"))
    (tmp_path / "appliance.toml").write_text(text, encoding="utf-8")
    read = settings.load(tmp_path / "appliance.toml", {})
    assert read.url == "https://chat.acme.example"
    assert {m.id for m in read.engines.models} == {"smollm2-135m-instruct", "multilingual-e5-small"}
    assert read.identity.oidc.issuer == "https://sso.acme.example/realms/appliance"


def test_three_hosts_reach_each_other_and_open_no_more_than_that() -> None:
    installation = parse(three_nodes())
    table = to_settings(installation, "front")
    assert table["engines"]["models"][0]["base_urls"] == ["http://10.77.0.23:8101/v1"]
    hosts = to_inventory(installation)["all"]["hosts"]
    assert hosts["front"]["appliance_reach"]["database"] == "10.77.0.22"
    assert hosts["gpu"]["appliance_listen"]["engines"] == "10.77.0.23"
    opened = {(rule["port"], source) for rule in hosts["store"]["appliance_open"] for source in rule["sources"]}
    assert (5432, "10.77.0.21") in opened
    assert all(source != "10.77.0.23" or port == 9100 for port, source in opened), "engines use no store"


def test_an_engine_keeps_its_port_on_every_host() -> None:
    given = three_nodes()
    given["hosts"]["gpu2"] = {"address": "10.77.0.24", "components": ["engines"]}
    given["models"][0] |= {"hosts": ["gpu", "gpu2"], "replicas": 2}
    found = [(e.host, e.instance, e.port) for e in engines_of(parse(given))]
    assert found == [
        ("gpu", "smollm2-135m-instruct", 8101),
        ("gpu2", "smollm2-135m-instruct", 8101),
        ("gpu", "smollm2-135m-instruct-2", 8102),
        ("gpu2", "smollm2-135m-instruct-2", 8102),
        ("gpu", "multilingual-e5-small", 8103),
    ]


def test_settings_of_the_description_lie_over_the_rendered_ones() -> None:
    given = sample() | {"settings": {"server": {"request_log": "errors"}, "documents": {"parallel": 1}}}
    table = to_settings(parse(given), "n1")
    assert table["server"]["request_log"] == "errors"
    assert table["server"]["port"] == 8080
    assert table["documents"] == {"parallel": 1}


def test_toml_holds_every_text() -> None:
    text = 'quote " backslash \\ tab \t line \n delete \x7f umlaut ü'
    assert tomllib.loads(to_toml({"a": text, "odd key": {"b": [text]}})) == {"a": text, "odd key": {"b": [text]}}


def test_no_secret_is_in_an_inventory() -> None:
    text = msgspec.json.encode(to_inventory(load(SAMPLE))).decode()
    assert "password" not in text.lower()
