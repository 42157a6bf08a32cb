"""Three hosts, of both Debians, without a way out: what each may reach, and a reboot of each."""

import json
import time

import pytest

from tests.deploy.conftest import PASSWORD, THREE, Installation
from tests.deploy.lab import Node

PROXY = THREE["n3"].address
OUTSIDE = {"n1": {22}, "n2": {22}, "n3": {22, 80, 443}}
"""Ports that somebody who is none of the hosts reaches."""
BETWEEN = {
    ("n1", "n2"): {8101, 8102, 9100},  # Prometheus: engines, host
    ("n1", "n3"): {8080, 9100},  # Prometheus: gateway, host
    ("n2", "n1"): set(),
    ("n2", "n3"): set(),
    ("n3", "n1"): {5432, 6379, 8180},  # gateway: database, cache; proxy: Keycloak
    ("n3", "n2"): {8101, 8102},
}
PUBLIC = {("n1", "n3"): {80, 443}, ("n2", "n3"): {80, 443}}
"""What a host also reaches when its own rules are away: the proxy is open to all."""
UNITS = {
    "n1": ["postgresql@*", "redis-server", "keycloak", "prometheus", "prometheus-alertmanager"],
    "n2": ["vllm@smollm2-135m-instruct", "vllm@multilingual-e5-small"],
    "n3": ["appliance-gateway", "nginx"],
}
BACK_S = 600
READY = f"import urllib.request as u; u.urlopen('http://{PROXY}:8080/health/ready', timeout=10)"

pytestmark = pytest.mark.timeout(1800)


def test_a_question_is_answered_over_three_hosts(three: Installation) -> None:
    seen = three.visit("ada", PASSWORD, PROXY)
    print(f"login {seen['login_s']} s, document {seen['document_s']} s, answer {seen['answer_s']} s")
    answer = seen["answer"]
    assert answer["event"] == "finished", answer
    assert "140 euros" in answer["text"]
    assert answer["citations"][0]["document_name"] == "handbook.pdf"
    assert answer["citations"][0]["page"] == 4


def test_a_second_run_changes_nothing(three: Installation) -> None:
    began = time.monotonic()
    found = three.install()
    print(f"second run: {time.monotonic() - began:.0f} s")
    assert found["changes"] == []


def test_the_monitoring_reaches_every_part(three: Installation) -> None:
    script = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9090/api/v1/targets').read().decode())"
    ends = time.monotonic() + 60
    while True:
        targets = json.loads(three.nodes["n1"].done(f'python3 -c "{script}"'))["data"]["activeTargets"]
        bad = [(t["labels"]["job"], t["scrapeUrl"], t["lastError"]) for t in targets if t["health"] != "up"]
        if not bad or time.monotonic() > ends:
            break
        time.sleep(2)
    assert bad == []
    assert sorted(t["labels"]["job"] for t in targets) == ["engine"] * 2 + ["gateway"] + ["host"] * 3 + ["identity"]


def test_a_backup_is_made_of_what_two_hosts_hold(three: Installation) -> None:
    node = three.nodes["n3"]
    node.done("systemctl start appliance-backup.service", timeout=300)
    assert node.done("ls /var/backups/appliance").split(), node.shell("journalctl -u appliance-backup").stdout


def test_only_what_parts_need_is_open(three: Installation) -> None:
    listening = {name: listens(node) for name, node in three.nodes.items()}
    assert all(OUTSIDE[name] <= ports for name, ports in listening.items())
    everything = set().union(*listening.values())
    for name, node in three.nodes.items():
        seen = three.lab.run(["bash", "-c", scan(node.address, everything)]).stdout
        assert set(map(int, seen.split())) == OUTSIDE[name], name
    for (source, target), wanted in BETWEEN.items():
        assert reached(three.nodes[source], three.nodes[target], everything) == wanted, (source, target)


def test_each_host_refuses_by_itself_what_others_ask_for(three: Installation) -> None:
    """A host whose own rules are gone reaches no more of the others than it may."""
    everything = set().union(*map(listens, three.nodes.values()))
    for node in three.nodes.values():
        node.done("nft flush ruleset")
        found = {
            (node.name, other.name): reached(node, other, everything) for other in three.nodes.values() if other != node
        }
        node.done("systemctl reload nftables")
        for pair, ports in found.items():
            assert ports == BETWEEN[pair] | PUBLIC.get(pair, set()), pair


@pytest.mark.parametrize("name", ["n1", "n2", "n3"])
def test_a_reboot_brings_all_back(three: Installation, name: str) -> None:
    node, gateway = three.nodes[name], three.nodes["n3"]
    began = time.monotonic()
    node.reboot()
    for unit in UNITS[name]:
        until(node, f"systemctl is-active --quiet '{unit}'", f"systemctl status --no-pager '{unit}'")
    units = time.monotonic() - began
    until(gateway, f'python3 -c "{READY}"', "journalctl -n 50 -u appliance-gateway")
    print(f"{name}: units are back after {units:.0f} s, the gateway is ready after {time.monotonic() - began:.0f} s")
    assert "140 euros" in three.visit("ada", PASSWORD, PROXY)["answer"]["text"]


def listens(node: Node) -> set[int]:
    """Ports on which something waits for others than the host itself."""
    script = "ss -Hltn | awk '{print $4}' | grep -v '^127\\.' | sed 's/.*://' | sort -u"
    return set(map(int, node.done(script).split()))


def reached(source: Node, target: Node, ports: set[int]) -> set[int]:
    return set(map(int, source.done(scan(target.address, ports)).split()))


def scan(address: str, ports: set[int]) -> str:
    """A script that prints the ports that let somebody in, all asked at once."""
    asked = f"timeout 2 bash -c '</dev/tcp/{address}/PORT' 2>/dev/null && echo PORT"
    return "".join(f"({asked.replace('PORT', str(port))}) & " for port in sorted(ports)) + "wait"


def until(node: Node, command: str, otherwise: str) -> None:
    """Wait until a command succeeds there; what another one says when it does not in time."""
    ends = time.monotonic() + BACK_S
    while node.shell(command).returncode != 0:
        assert time.monotonic() < ends, node.shell(otherwise).stdout
        time.sleep(1)
