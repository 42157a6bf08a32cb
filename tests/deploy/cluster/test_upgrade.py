"""Upgrades that would lose data are refused by what the cluster says, with the way out; all others go through."""

import shutil
from pathlib import Path

import pytest

from tests.support.apiserver import Cluster
from tests.support.chart import CHART, RefusedError

IMAGE = f"images.index.digest=sha256:{'4' * 64}"
MOVES = [
    ("another volume of documents", "ci", ["gateway.data.existingClaim=other"], "acceptDataMove", "documents"),
    ("other names", "ha", ["fullnameOverride=other"], "acceptDataMove", "fullnameOverride"),
    ("another database", "ci", ["database.mode=external"], "acceptDataMove", "database.mode"),
    ("another index", "ci", ["index.mode=bundled", "secrets.values.index-key=k", IMAGE], "acceptDataMove", "the index"),
    ("an external index elsewhere", "ha", ["index.url=https://other.example:6333"], "acceptDataMove", "the index"),
    ("another provider", "ha", ["identity.externalIssuer=https://other.example"], "acceptDataMove", "provider"),
    ("another Secret", "ha", ["secrets.existingSecret=other"], "acceptChangedKeys", "takes its secrets from 'other'"),
    ("another key", "ci", ["secrets.values.metrics-token=another-token-value"], "acceptChangedKeys", "metrics-token"),
]  # fmt: skip


def words(sets: list[str]) -> list[str]:
    return [word for one in sets for word in ("--set", one)]


@pytest.mark.parametrize(("values", "sets", "flag", "says"), [m[1:] for m in MOVES], ids=[m[0] for m in MOVES])
def test_it_is_refused_until_somebody_says_so(
    cluster: Cluster, space: str, values: str, sets: list[str], flag: str, says: str
) -> None:
    cluster.install("ci", values, space)
    before = cluster.helm("get", "manifest", "ci", "-n", space)
    with pytest.raises(RefusedError) as refused:
        cluster.install("ci", values, space, *words(sets))
    assert says in str(refused.value)
    assert "The way out:" in str(refused.value)
    assert f"upgrade.{flag}" in str(refused.value)
    assert cluster.helm("get", "manifest", "ci", "-n", space) == before
    assert "STATUS: deployed" in cluster.install("ci", values, space, *words([*sets, f"upgrade.{flag}=true"]))


def versioned(version: str, folder: Path) -> Path:
    chart = folder / version
    shutil.copytree(CHART, chart)
    file = chart / "Chart.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("\nversion: 0.1.0", f"\nversion: {version}"), encoding="utf-8"
    )
    return chart


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("1.2.0", "1.4.0", "are skipped"),
        ("1.2.0", "3.0.0", "are skipped"),
        ("1.2.0", "1.1.9", "does not go back"),
        ("2.0.0", "1.9.0", "does not go back"),
    ],
)
def test_versions_go_one_by_one(
    cluster: Cluster, space: str, tmp_path: Path, before: str, after: str, says: str
) -> None:
    cluster.install("ci", "ci", space, chart=versioned(before, tmp_path))
    chart = versioned(after, tmp_path)
    with pytest.raises(RefusedError, match=says):
        cluster.install("ci", "ci", space, chart=chart)
    cluster.install("ci", "ci", space, "--set", "upgrade.acceptVersionJump=true", chart=chart)


@pytest.mark.parametrize(("before", "after"), [("1.2.0", "1.2.7"), ("1.2.7", "1.3.0"), ("1.9.0", "2.0.0")])
def test_the_next_version_goes_through(cluster: Cluster, space: str, tmp_path: Path, before: str, after: str) -> None:
    cluster.install("ci", "ci", space, chart=versioned(before, tmp_path))
    assert "STATUS: deployed" in cluster.install("ci", "ci", space, chart=versioned(after, tmp_path))


def test_what_cannot_be_changed_in_place_is_told_before(cluster: Cluster, space: str) -> None:
    cluster.install("ci", "ci", space)
    with pytest.raises(RefusedError) as refused:
        cluster.install("ci", "ci", space, "--set", "database.size=40Gi")
    assert "--cascade=orphan" in str(refused.value)


def test_a_release_can_be_rolled_back(cluster: Cluster, space: str) -> None:
    cluster.install("ci", "ci", space)
    first = cluster.helm("get", "manifest", "ci", "-n", space)
    cluster.install("ci", "ci", space, "--set", "engines.drainSeconds=90")
    assert cluster.helm("get", "manifest", "ci", "-n", space) != first
    cluster.helm("rollback", "ci", "-n", space)
    assert cluster.helm("get", "manifest", "ci", "-n", space) == first


def test_resources_arguments_and_models_may_change(cluster: Cluster, space: str) -> None:
    cluster.install("ci", "ci", space)
    changed = ["gateway.resources.limits.memory=6Gi", "models[0].replicas=3", "models[1].resources.limits.cpu=4"]
    assert "STATUS: deployed" in cluster.install("ci", "ci", space, *words(changed))
    replicas = {o["metadata"]["name"]: o["spec"]["replicas"] for o in cluster.get("statefulsets", space)["items"]}
    assert replicas["ci-engine-smollm2-135m-instruct"] == 3
