"""Who may reach whom: nothing goes out, and inside only what `appliance/installation/components.py` says."""

from typing import Any

import pytest

from tests.support.chart import KUBERNETES, RELEASE, SETS, named, of_kind, pods, render


def policies(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return of_kind(objects, "NetworkPolicy")


@pytest.mark.parametrize("values", SETS)
def test_everything_is_denied_to_every_pod_first(values: str) -> None:
    objects = render(values)
    deny = [p for p in policies(objects) if p["metadata"]["name"].endswith("-default-deny")]
    assert len(deny) == 1
    assert set(deny[0]["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in deny[0]["spec"]
    assert "egress" not in deny[0]["spec"]
    selector = deny[0]["spec"]["podSelector"]["matchLabels"]
    for pod in pods(objects):
        assert selector.items() <= pod.labels.items(), pod.name


@pytest.mark.parametrize("values", SETS)
@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_nothing_goes_out_but_to_named_peers(values: str, kubernetes: str) -> None:
    objects = render(values, kubernetes=kubernetes)
    allowed = {
        e["cidr"] for e in [{"cidr": c} for c in ("10.1.2.10/32", "10.1.2.11/32", "10.1.2.12/32", "10.1.2.20/32")]
    }
    for policy in policies(objects):
        for rule in policy["spec"].get("egress", []):
            assert rule.get("to"), f"{policy['metadata']['name']} lets out to anywhere"
            for peer in rule["to"]:
                if "ipBlock" in peer:
                    assert values == "ha", "only a set that names what is outside"
                    assert peer["ipBlock"]["cidr"] in allowed
                else:
                    assert peer.get("podSelector", {}).get("matchLabels") or peer["namespaceSelector"]["matchLabels"]


@pytest.mark.parametrize("values", SETS)
def test_nobody_comes_in_from_anywhere(values: str) -> None:
    for policy in policies(render(values)):
        for rule in policy["spec"].get("ingress", []):
            assert rule.get("from"), policy["metadata"]["name"]


@pytest.mark.parametrize("values", SETS)
def test_engines_and_stores_ask_nobody(values: str) -> None:
    objects = render(values)
    for policy in policies(objects):
        component = policy["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/component")
        if component in {"database", "index", "cache"}:
            assert policy["spec"]["egress"] == []
        if component == "engines" and "appliance/model" not in policy["spec"]["podSelector"]["matchLabels"]:
            assert policy["spec"]["egress"] == []


def test_only_gateways_and_workers_reach_an_engine() -> None:
    objects = render("small")
    (rule,) = named(objects, "NetworkPolicy", f"{RELEASE}-engines")["spec"]["ingress"]
    callers = {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for peer in rule["from"]
        if "podSelector" in peer
    }
    assert callers == {"gateway", "worker"}
    assert [p["port"] for p in rule["ports"]] == [8101]
