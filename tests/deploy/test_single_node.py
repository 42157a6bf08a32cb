"""One Debian host without a way out: from a bundle to an answered question, twice, and over a reboot."""

import time

import pytest

from tests.deploy.conftest import ADDRESS, PASSWORD, Installation

INSTALLED_S = 1800
UNITS = (
    "appliance-gateway.service",
    "vllm@smollm2-135m-instruct.service",
    "vllm@multilingual-e5-small.service",
    "keycloak.service",
    "nginx.service",
    "prometheus.service",
    "prometheus-alertmanager.service",
    "prometheus-node-exporter.service",
)

pytestmark = pytest.mark.timeout(INSTALLED_S)


def test_a_question_is_answered_with_its_source_through_tls_and_a_login(single: Installation) -> None:
    seen = single.visit("ada", PASSWORD, ADDRESS)
    print(f"login {seen['login_s']} s, document {seen['document_s']} s, answer {seen['answer_s']} s")
    answer = seen["answer"]
    assert answer["event"] == "finished", answer
    assert "140 euros" in answer["text"]
    assert [c["document_name"] for c in answer["citations"]] == ["handbook.pdf"] * len(answer["citations"])
    assert answer["citations"][0]["page"] == 4


def test_a_second_run_changes_nothing(single: Installation) -> None:
    began = time.monotonic()
    found = single.install()
    print(f"second run: {time.monotonic() - began:.0f} s")
    assert found["changes"] == []


def test_a_check_says_that_nothing_would_change(single: Installation) -> None:
    assert single.install("--check")["changes"] == []


def test_others_reach_the_proxy_and_ssh_only(single: Installation) -> None:
    node = single.nodes["n1"]
    listening = set(node.done("ss -Hltn | awk '{print $4}' | grep -v '^127\\.' | sed 's/.*://' | sort -u").split())
    scan = "; ".join(
        f"timeout 1 bash -c '</dev/tcp/{ADDRESS}/{port}' 2>/dev/null && echo {port}" for port in sorted(listening)
    )
    opened = set(single.lab.run(["bash", "-c", scan]).stdout.split())
    assert opened == {"22", "80", "443"}


def test_whoever_wants_out_is_refused_and_counted(single: Installation) -> None:
    node = single.nodes["n1"]
    node.done("ip route add default via 10.77.0.1")
    before = refused(single)
    assert node.shell("timeout 3 bash -c '</dev/tcp/10.77.0.1/4711'").returncode != 0
    assert node.shell("timeout 3 bash -c '</dev/tcp/192.0.2.1/443'").returncode != 0
    node.done("ip route del default")
    assert refused(single) >= before + 2


def refused(single: Installation) -> int:
    words = single.nodes["n1"].done("nft list counter inet appliance refused_out").split()
    return int(words[words.index("packets") + 1])


def test_nobody_else_reads_a_secret(single: Installation) -> None:
    node = single.nodes["n1"]
    secrets = [f.read_text().strip() for f in (single.folder / "secrets").iterdir() if f.suffix == ""]
    assert len(secrets) >= 5
    for secret in secrets:
        found = f"grep -rlF -- {secret} /etc /opt/appliance/current/ /usr/local 2>/dev/null"
        readable = node.done(f"{found} | xargs -r stat -c '%a %n' || true")
        open_files = [line for line in readable.splitlines() if int(line.split()[0][-1]) != 0]
        assert open_files == []
        assert secret not in node.done("journalctl --no-pager -o cat; ps axww -o args")
    state = "\n".join(p.read_text(errors="replace") for p in (single.folder / ".acme").rglob("*") if p.is_file())
    assert not [secret for secret in secrets if secret in state], "a secret is in the artifacts of the control machine"


def test_units_are_hardened(single: Installation) -> None:
    node = single.nodes["n1"]
    for unit in (*UNITS[:4], "nginx.service"):
        level = node.done(f"systemd-analyze security --no-pager {unit} | tail -1")
        print(level.strip())
        score = float(level.split(":")[1].split()[0])
        assert score < 4.0, level


def test_a_restart_of_the_gateway_refuses_nobody(single: Installation) -> None:
    """Requests come all the time, over connections of their own, while it restarts."""
    node = single.nodes["n1"]
    script = """
    systemctl restart appliance-gateway.service & restart=$!
    failed=0; n=0
    while kill -0 $restart 2>/dev/null || [ $n -lt 20 ]; do
      n=$((n+1)); code=$(python3 /root/ask.py http://127.0.0.1:8080/health/live 2>/dev/null || true)
      [ "$code" = 200 ] || failed=$((failed+1))
    done
    echo $n $failed
    """
    node.done(
        "cat >/root/ask.py",
        given="import sys, urllib.request\nprint(urllib.request.urlopen(sys.argv[1], timeout=60).status)\n",
    )
    asked, failed = map(int, node.done(script, timeout=180).split())
    assert asked >= 20
    assert failed == 0


def test_a_reboot_brings_all_back(single: Installation) -> None:
    node = single.nodes["n1"]
    began = time.monotonic()
    node.reboot()
    for unit in UNITS:
        ends = time.monotonic() + 600
        while node.shell(f"systemctl is-active --quiet {unit}").returncode != 0:
            assert time.monotonic() < ends, node.shell(f"systemctl status --no-pager {unit}").stdout
            time.sleep(1)
    print(f"all units are back {time.monotonic() - began:.0f} s after the reboot began")
    seen = single.visit("ada", PASSWORD, ADDRESS)
    assert "140 euros" in seen["answer"]["text"]
