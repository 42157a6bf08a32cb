"""The chart as helm renders it, for tests: objects by kind and name, and the pods inside them."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm"
TOOLS = Path(os.environ.get("HELM_FOR_TESTS", ROOT / ".appliance" / "helm"))
HELM, KUBECTL = TOOLS / "bin" / "helm", TOOLS / "bin" / "kubectl"
SETS = ("ci", "small", "ha")
KUBERNETES = ("1.31.0", "1.34.0", "1.37.0")
RELEASE, NAMESPACE = "acme", "appliance"

Object = dict[str, Any]


class RefusedError(Exception):
    """helm rendered nothing, and said why."""


def helm(*words: str, env: Mapping[str, str] | None = None) -> str:
    """What helm prints. Raises RefusedError."""
    plain = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "HELM_PLUGINS": "/nonexistent"}
    done = subprocess.run(
        [str(HELM), *words], capture_output=True, text=True, check=False, timeout=60, env={**plain, **(env or {})}
    )
    if done.returncode != 0:
        raise RefusedError(done.stderr)
    return done.stdout


def render(values: str, *more: str, kubernetes: str = KUBERNETES[1]) -> list[Object]:
    """The objects of one of `SETS`, with further options of helm. Raises RefusedError."""
    return list(_rendered(values, more, kubernetes))


@cache
def _rendered(values: str, more: tuple[str, ...], kubernetes: str) -> tuple[Object, ...]:
    text = helm(
        *("template", RELEASE, str(CHART), "--namespace", NAMESPACE, "--kube-version", kubernetes),
        *("--values", str(CHART / "ci" / f"{values}.yaml"), *more),
    )
    return tuple(found for found in yaml.safe_load_all(text) if found)


def named(objects: Sequence[Object], kind: str, name: str) -> Object:
    (found,) = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    return found


def of_kind(objects: Sequence[Object], *kinds: str) -> list[Object]:
    return [o for o in objects if o["kind"] in kinds]


@dataclass(frozen=True)
class PodOf:
    """A pod as a workload makes it."""

    owner: Object
    spec: Object
    labels: dict[str, str]
    lasting: bool
    """It serves; jobs and checks end by themselves."""

    @property
    def name(self) -> str:
        return f"{self.owner['kind']}/{self.owner['metadata']['name']}"

    @property
    def containers(self) -> list[Object]:
        return list(self.spec["containers"])

    @property
    def all_containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def pods(objects: Sequence[Object]) -> Iterator[PodOf]:
    """Every pod of every workload."""
    for found in objects:
        spec = found.get("spec", {})
        if found["kind"] in {"StatefulSet", "Deployment", "DaemonSet", "Job"}:
            template = spec["template"]
            yield PodOf(found, template["spec"], template["metadata"]["labels"], found["kind"] != "Job")
        elif found["kind"] == "CronJob":
            template = spec["jobTemplate"]["spec"]["template"]
            yield PodOf(found, template["spec"], template["metadata"]["labels"], lasting=False)
        elif found["kind"] == "Pod":
            yield PodOf(found, spec, found["metadata"]["labels"], lasting=False)
        elif found["kind"] == "LeaderWorkerSet":
            for part in ("leaderTemplate", "workerTemplate"):
                template = spec["leaderWorkerTemplate"][part]
                yield PodOf(found, template["spec"], template["metadata"]["labels"], lasting=True)
