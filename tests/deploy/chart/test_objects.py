"""Rules that every object of every set of values keeps, on every version of Kubernetes."""

import json
import re
from typing import Any

import pytest

from tests.support.chart import KUBERNETES, SETS, PodOf, of_kind, pods, render

ALL = [(values, kubernetes) for values in SETS for kubernetes in KUBERNETES]
DIGEST = re.compile(r"^[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}$")


def every_pod() -> list[Any]:
    return [pytest.param(pod, id=f"{values}-{pod.name}") for values in SETS for pod in pods(render(values))]


@pytest.fixture(params=ALL, ids=lambda p: f"{p[0]}-{p[1]}")
def objects(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    values, kubernetes = request.param
    return render(values, kubernetes=kubernetes)


def test_every_image_is_named_by_digest(objects: list[dict[str, Any]]) -> None:
    images = [c["image"] for pod in pods(objects) for c in pod.all_containers]
    assert len(images) > 4
    assert [image for image in images if not DIGEST.match(image)] == []


def test_every_pod_keeps_to_the_restricted_profile(objects: list[dict[str, Any]]) -> None:
    for pod in pods(objects):
        whole = pod.spec["securityContext"]
        assert whole["runAsNonRoot"] is True, pod.name
        assert whole["runAsUser"] > 0, pod.name
        assert whole["seccompProfile"] == {"type": "RuntimeDefault"}, pod.name
        assert pod.spec["automountServiceAccountToken"] is False, pod.name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod.spec), pod.name
        assert not [v for v in pod.spec["volumes"] if "hostPath" in v] if "volumes" in pod.spec else True
        for container in pod.all_containers:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True, container["name"]
            assert security["allowPrivilegeEscalation"] is False, container["name"]
            assert security["privileged"] is False, container["name"]
            assert security["capabilities"] == {"drop": ["ALL"]}, container["name"]


def test_every_container_has_requests_and_limits(objects: list[dict[str, Any]]) -> None:
    for pod in pods(objects):
        for container in pod.all_containers:
            for side in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(container["resources"][side]), (pod.name, container["name"], side)


def test_what_serves_has_all_probes_and_time_to_drain(objects: list[dict[str, Any]]) -> None:
    for pod in pods(objects):
        if not pod.lasting:
            continue
        for container in pod.containers:
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                assert probe in container, (pod.name, probe)
                assert "initialDelaySeconds" not in container[probe], "the startup probe is what waits"
            assert container["livenessProbe"]["failureThreshold"] > container["readinessProbe"]["failureThreshold"]
        assert pod.spec["terminationGracePeriodSeconds"] > drain_of(pod), pod.name


def drain_of(pod: PodOf) -> int:
    """Seconds before the signal and after it, by what the process itself promises."""
    (container,) = pod.containers
    sleep = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["", "0"])[1]
    words = [str(w) for w in container.get("args", [])]
    drain = words[words.index("--shutdown-timeout") + 1] if "--shutdown-timeout" in words else "0"
    gateway = 50 if container["name"] in {"gateway", "worker"} else 0  # commands/process.py, ENDS_S
    return int(sleep) + int(drain) + gateway


def test_every_lasting_workload_has_a_disruption_budget(objects: list[dict[str, Any]]) -> None:
    budgets = [b["spec"] for b in of_kind(objects, "PodDisruptionBudget")]
    for pod in pods(objects):
        if pod.lasting:
            fitting = [b for b in budgets if b["selector"]["matchLabels"].items() <= pod.labels.items()]
            assert len(fitting) == 1, pod.name
            assert fitting[0]["maxUnavailable"] == 1


def test_every_claim_names_a_way_and_a_size(objects: list[dict[str, Any]]) -> None:
    claims = of_kind(objects, "PersistentVolumeClaim")
    claims += [c for o in of_kind(objects, "StatefulSet") for c in o["spec"].get("volumeClaimTemplates", [])]
    assert claims
    for claim in claims:
        assert claim["spec"]["accessModes"]
        assert claim["spec"]["resources"]["requests"]["storage"]


def test_services_and_policies_select_pods_that_exist(objects: list[dict[str, Any]]) -> None:
    labels = [pod.labels for pod in pods(objects)]
    for service in of_kind(objects, "Service"):
        assert any(service["spec"]["selector"].items() <= found.items() for found in labels), service["metadata"]
    for policy in of_kind(objects, "NetworkPolicy"):
        wanted = policy["spec"]["podSelector"]["matchLabels"]
        assert any(wanted.items() <= found.items() for found in labels), policy["metadata"]["name"]


def test_every_mount_has_its_volume_and_every_volume_is_mounted(objects: list[dict[str, Any]]) -> None:
    for pod in pods(objects):
        volumes = {v["name"] for v in pod.spec.get("volumes", [])}
        volumes |= {c["metadata"]["name"] for c in pod.owner["spec"].get("volumeClaimTemplates", [])}
        mounted = {m["name"] for c in pod.all_containers for m in c.get("volumeMounts", [])}
        assert mounted == volumes, pod.name


def test_names_are_short_enough_and_unique(objects: list[dict[str, Any]]) -> None:
    seen = [(o["kind"], o["metadata"]["name"]) for o in objects]
    assert len(seen) == len(set(seen))
    for kind, name in seen:
        assert len(name) <= (52 if kind == "StatefulSet" else 63), name


def test_no_secret_is_in_a_config_map_or_on_a_command_line(objects: list[dict[str, Any]]) -> None:
    secrets = [v for o in of_kind(objects, "Secret") for v in o["stringData"].values()]
    shown = json.dumps([o for o in objects if o["kind"] != "Secret"])
    assert not [s for s in secrets if s in shown]
    for pod in pods(objects):
        for container in pod.all_containers:
            for variable in container.get("env", []):
                if re.search(r"PASSWORD|SECRET|TOKEN|API_KEY", variable["name"]) and "value" in variable:
                    assert variable["value"].startswith("/"), f"{variable['name']} in {pod.name} is no file's name"


def test_secrets_are_files_that_only_the_group_reads(objects: list[dict[str, Any]]) -> None:
    for pod in pods(objects):
        for volume in pod.spec.get("volumes", []):
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o440, pod.name
                assert volume["secret"]["items"], "only the keys that it needs"


@pytest.mark.parametrize("pod", every_pod())
def test_nothing_is_left_to_the_cluster_default(pod: PodOf) -> None:
    assert pod.spec["enableServiceLinks"] is False
    assert {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"} <= set(pod.labels)
    for container in pod.all_containers:
        assert container["imagePullPolicy"] in {"IfNotPresent", "Always", "Never"}
