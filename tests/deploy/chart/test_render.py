"""helm and the schemas of three versions of Kubernetes take what is rendered."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from appliance.settings import load
from tests.support.chart import CHART, KUBERNETES, RELEASE, ROOT, SETS, TOOLS, helm, named, render

OWN_KINDS = {"ServiceMonitor", "PrometheusRule", "ScaledObject", "LeaderWorkerSet", "HTTPRoute"}
"""Of operators; Kubernetes' own schemas know nothing of them."""


@pytest.mark.parametrize("values", SETS)
def test_lint_finds_nothing(values: str) -> None:
    helm("lint", "--strict", str(CHART), "--values", str(CHART / "ci" / f"{values}.yaml"))


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("values", SETS)
def test_every_object_fits_the_version(values: str, kubernetes: str, tmp_path: Path) -> None:
    known = [o for o in render(values, kubernetes=kubernetes) if o["kind"] not in OWN_KINDS]
    assert len(known) > 15
    file = tmp_path / "objects.yaml"
    file.write_text(yaml.safe_dump_all(known), encoding="utf-8")
    version = kubernetes.rpartition(".")[0]
    done = subprocess.run(
        [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", version, str(file)],
        capture_output=True, text=True, check=False, timeout=60, env={"PYTHONPATH": str(TOOLS / "python"), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout


def test_a_wrong_object_would_be_found(tmp_path: Path) -> None:
    broken = named(render("ci"), "StatefulSet", f"{RELEASE}-gateway") | {"spec": {"replicas": "two"}}
    file = tmp_path / "objects.yaml"
    file.write_text(yaml.safe_dump(broken), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", "1.34", str(file)],
        capture_output=True, text=True, check=False, timeout=60, env={"PYTHONPATH": str(TOOLS / "python"), "PATH": ""},
    )  # fmt: skip
    assert done.returncode != 0


@pytest.mark.parametrize("values", SETS)
@pytest.mark.parametrize("component", ["gateway", "worker"])
def test_the_gateway_reads_its_settings(values: str, component: str, tmp_path: Path) -> None:
    objects = render(values)
    prefix = "chat" if values == "ha" else RELEASE
    if component == "worker" and values != "ha":
        return
    text = named(objects, "ConfigMap", f"{prefix}-{component}")["data"]["appliance.toml"]
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in {n.rsplit("/", 1)[-1] for n in text.split('"') if n.startswith("/etc/appliance/secrets/")}:
        (secrets / name).write_text("postgresql://a:b@c/d" if name == "database-url" else "x" * 64, encoding="utf-8")
        (secrets / name).chmod(0o600)
    file = tmp_path / "appliance.toml"
    file.write_text(text.replace("/etc/appliance/secrets", str(secrets)), encoding="utf-8")
    settings = load(file, {})
    assert settings.server.port == 8080
    assert [m.id for m in settings.engines.models] == [m["id"] for m in tomllib.loads(text)["engines"]["models"]]
    assert all(m.base_urls for m in settings.engines.models)
    assert (settings.documents.parallel == 0) == (values == "ha" and component == "gateway")


def test_numbers_of_the_settings_stay_whole() -> None:
    text = named(render("small"), "ConfigMap", f"{RELEASE}-gateway")["data"]["appliance.toml"]
    assert tomllib.loads(text)["documents"]["max_file_bytes"] == 134217728


def test_what_is_made_from_other_things_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "script/chart.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_the_chart_depends_on_no_other() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert "dependencies" not in chart
    assert not (CHART / "charts").exists()
    assert "values.schema.json" not in [
        line for line in (CHART / ".helmignore").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
