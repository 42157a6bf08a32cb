"""A real API server takes every object, and its admission takes every pod."""

from typing import Any

import pytest

from tests.support.apiserver import Cluster
from tests.support.chart import SETS, RefusedError, pods, render

PLACE = {"ci": "ci", "small": "acme", "ha": "acme"}


@pytest.mark.parametrize("values", SETS)
def test_it_installs(cluster: Cluster, space: str, values: str) -> None:
    assert "STATUS: deployed" in cluster.install(PLACE[values], values, space)
    there = cluster.get("statefulsets,networkpolicies,poddisruptionbudgets,services", space)["items"]
    wanted = [
        o for o in render(values) if o["kind"] in {"StatefulSet", "NetworkPolicy", "PodDisruptionBudget", "Service"}
    ]
    assert len(there) == len(wanted)
    assert "STATUS: deployed" in cluster.install(PLACE[values], values, space), "the same again"
    generations = {o["metadata"]["generation"] for o in cluster.get("statefulsets", space)["items"]}
    assert generations == {1}, "a second time changes nothing"


@pytest.mark.parametrize("values", SETS)
def test_every_field_is_known(cluster: Cluster, space: str, values: str) -> None:
    objects = [o for o in render(values) if o["kind"] != "LeaderWorkerSet"]
    for found in objects:
        found["metadata"]["namespace"] = space
    cluster.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", given=objects)


@pytest.mark.parametrize("values", SETS)
def test_every_pod_is_let_in_where_only_restricted_ones_are(cluster: Cluster, space: str, values: str) -> None:
    made = [as_pod(pod.spec, pod.labels, f"pod-{n}", space) for n, pod in enumerate(pods(render(values)))]
    assert len(made) > 2
    cluster.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", given=made)


def as_pod(spec: dict[str, Any], labels: dict[str, str], name: str, space: str) -> dict[str, Any]:
    """What the controller would make; volumes of templates stand in as claims."""
    mounted = {m["name"] for c in spec["containers"] for m in c.get("volumeMounts", [])}
    missing = mounted - {v["name"] for v in spec.get("volumes", [])}
    volumes = [
        *spec.get("volumes", []),
        *({"name": n, "persistentVolumeClaim": {"claimName": n}} for n in sorted(missing)),
    ]
    spec = {k: v for k, v in spec.items() if k not in {"serviceAccountName", "runtimeClassName"}} | {"volumes": volumes}
    metadata = {"name": name, "namespace": space, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_another_pod_is_not_let_in(cluster: Cluster, space: str) -> None:
    pod = next(pods(render("ci")))
    spec = pod.spec | {"securityContext": {}, "containers": [pod.containers[0] | {"securityContext": {}}]}
    with pytest.raises(RefusedError, match="violates PodSecurity"):
        cluster.kubectl("apply", "-f", "-", "--dry-run=server", given=as_pod(spec, pod.labels, "root", space))


def test_volumes_outlive_the_release(cluster: Cluster, space: str) -> None:
    cluster.install("ci", "ci", space)
    cluster.helm("uninstall", "ci", "-n", space)
    assert [c["metadata"]["name"] for c in cluster.get("persistentvolumeclaims", space)["items"]] == ["ci-data"]
    assert cluster.get("statefulsets", space)["items"] == []
