"""A real Kubernetes API server with its database, for tests: it takes and judges objects. Nothing runs its pods."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.chart import CHART, HELM, KUBECTL, ROOT, RefusedError

BUILT = Path(os.environ.get("APISERVER_FOR_TESTS", ROOT / ".appliance" / "apiserver"))
READY_S = 60.0
GROUPS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "leaderworkersets.leaderworkerset.x-k8s.io"},
    "spec": {
        "group": "leaderworkerset.x-k8s.io",
        "scope": "Namespaced",
        "names": {"kind": "LeaderWorkerSet", "plural": "leaderworkersets", "singular": "leaderworkerset"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
"""The project's own definition cannot be had here, so this one takes anything."""


@dataclass(frozen=True)
class Cluster:
    """Commands against one API server."""

    config: Path

    def kubectl(self, *words: str, given: object = None) -> str:
        """Raises RefusedError. `given`: objects for standard input."""
        text = None if given is None else yaml.safe_dump_all(given if isinstance(given, list) else [given])
        return self._run([str(KUBECTL), "--kubeconfig", str(self.config), *words], text)

    def helm(self, *words: str) -> str:
        """Raises RefusedError."""
        return self._run([str(HELM), "--kubeconfig", str(self.config), *words], None)

    def install(self, release: str, values: str, namespace: str, *more: str, chart: Path = CHART) -> str:
        """`helm upgrade --install`. Raises RefusedError."""
        file = str(CHART / "ci" / f"{values}.yaml")
        return self.helm("upgrade", "--install", release, str(chart), "-n", namespace, "--values", file, *more)

    def namespace(self, name: str) -> None:
        """One that takes restricted pods only."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.kubectl(
            "apply",
            "-f",
            "-",
            given={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
        )

    def get(self, kind: str, namespace: str, *names: str) -> Any:
        return json.loads(self.kubectl("get", kind, *names, "-n", namespace, "-o", "json"))

    def _run(self, command: list[str], text: str | None) -> str:
        home = {"PATH": os.environ["PATH"], "HOME": str(self.config.parent)}
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=90, env=home)
        if done.returncode != 0:
            raise RefusedError(done.stderr)
        return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _program(name: str, folder: Path, flags: Mapping[str, object]) -> Iterator[None]:
    words = [str(BUILT / name), *(f"--{flag}={value}" for flag, value in flags.items())]
    with (folder / f"{name}.log").open("wb") as log:
        child = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            yield
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """An empty cluster that knows the kinds of the chart; gone with the block."""
    store, peer, port = free_port(), free_port(), free_port()
    key = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True, timeout=60)
    (folder / "accounts.key").write_bytes(key.stdout)
    (folder / "tokens.csv").write_text('only-for-tests,tester,1,"system:masters"\n', encoding="utf-8")
    cluster = Cluster(folder / "config")
    cluster.config.write_text(yaml.safe_dump(_access(port)), encoding="utf-8")
    database = {
        "data-dir": folder / "etcd",
        "listen-client-urls": f"http://127.0.0.1:{store}",
        "advertise-client-urls": f"http://127.0.0.1:{store}",
        "listen-peer-urls": f"http://127.0.0.1:{peer}",
        "log-level": "error",
    }
    server = {
        "etcd-servers": f"http://127.0.0.1:{store}",
        "bind-address": "127.0.0.1",
        "secure-port": port,
        "cert-dir": folder / "certificates",
        "service-account-key-file": folder / "accounts.key",
        "service-account-signing-key-file": folder / "accounts.key",
        "service-account-issuer": "https://kubernetes.example",
        "token-auth-file": folder / "tokens.csv",
        "authorization-mode": "AlwaysAllow",
        "service-cluster-ip-range": "10.96.0.0/16",
        "disable-admission-plugins": "ServiceAccount",  # nobody makes the accounts' tokens here
    }
    with _program("etcd", folder, database), _program("kube-apiserver", folder, server):
        _wait(cluster)
        for file in sorted((BUILT / "definitions").glob("*.yaml")):
            cluster.kubectl("apply", "--server-side", "-f", str(file))
        cluster.kubectl("apply", "-f", "-", given=GROUPS)
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        yield cluster


def _access(port: int) -> dict[str, Any]:
    where = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}  # its certificate is its own
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "t", "cluster": where}],
        "users": [{"name": "t", "user": {"token": "only-for-tests"}}],
        "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
        "current-context": "t",
    }


def _wait(cluster: Cluster) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            cluster.kubectl("get", "--raw", "/readyz")
        except RefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
