"""The chart takes what `to_values` makes of a description, and its components are those of the table."""

from pathlib import Path

import yaml

from appliance.inference import Catalogue
from appliance.installation import Installation, component, load
from appliance.installation.values import to_values
from tests.architecture.test_renderers_agree import IN_CHART, SAMPLE, of_three_hosts
from tests.support.chart import CHART, helm, pods

IMAGES = {
    name: {"digest": f"sha256:{'7' * 64}"} for name in ("gateway", "engine", "database", "index", "cache", "identity")
}


def rendered(installation: Installation, folder: Path) -> list[dict[str, object]]:
    file = folder / "values.yaml"
    made = to_values(installation, Catalogue.load()) | {"images": IMAGES}
    file.write_text(yaml.safe_dump(made), encoding="utf-8")
    text = helm("template", "acme", str(CHART), "--namespace", "acme", "--values", str(file))
    return [o for o in yaml.safe_load_all(text) if o]


def test_one_host(tmp_path: Path) -> None:
    objects = rendered(load(SAMPLE), tmp_path)
    there = {pod.labels["app.kubernetes.io/component"] for pod in pods(objects)}
    assert there == {"gateway", "engines", "database", "cache", "identity", "check"}


def test_three_hosts(tmp_path: Path) -> None:
    objects = rendered(of_three_hosts(), tmp_path)
    assert {pod.labels["app.kubernetes.io/component"] for pod in pods(objects)} == {*IN_CHART, "check"}
    for pod in pods(objects):
        name = pod.labels["app.kubernetes.io/component"]
        if name == "check":
            continue
        row = component(name)  # type: ignore[arg-type] # each is a name of the table
        ports = {p["containerPort"] for c in pod.containers for p in c.get("ports", [])}
        assert {p.number for p in row.ports} <= ports
        if row.uid is not None:
            assert pod.spec["securityContext"]["runAsUser"] == row.uid
