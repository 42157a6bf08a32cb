"""A real Keycloak for the tests: a process of its own on a free loopback port, with a database of its own.

`ensure_keycloak` of script/setup.sh fetches and builds it. `python -m tests.support.keycloak` makes the database that
every start copies, so that no test waits for its tables.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from keycloak import KeycloakAdmin

from appliance.identity.bootstrap import Administrator, connect
from tests.support.authority import Authority
from tests.support.valkey import free_port

ROOT = Path(__file__).resolve().parents[2]
VERSION = "26.7.3"
FOLDER = Path(os.environ.get("KEYCLOAK_FOR_TESTS", ROOT / ".appliance" / "keycloak"))
HOME = FOLDER / f"keycloak-{VERSION}"
TEMPLATE = FOLDER / "template.mv.db"
LOCK = Path(tempfile.gettempdir()) / "appliance-keycloak.lock"
"""One Keycloak at a time on a machine: each takes half a GiB and, while it starts, all processors."""

ADMIN = Administrator("admin", "admin-for-tests")
START_S = 300


@dataclass
class Keycloak:
    """A running one; `stop` and `start` are an outage with the data kept."""

    folder: Path
    port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    """The same realms over https, signed by an authority of our own."""
    process: "subprocess.Popen[bytes] | None" = None
    started_s: float = 0.0
    """How long the last start took."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"https://127.0.0.1:{self.tls_port}"

    @property
    def ca_file(self) -> Path:
        """Of the authority that signed its certificate."""
        return self.folder / "authority.pem"

    def issuer(self, realm: str) -> str:
        return f"{self.url}/realms/{realm}"

    def admin(self, realm: str = "master") -> KeycloakAdmin:
        """As the first administrator, on a realm."""
        found = connect(self.url, ADMIN)
        if realm != "master":
            found.change_current_realm(realm)
        return found

    def start(self) -> None:
        """Returns when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.ca_file.exists():
            Authority(self.folder, "authority").server_files()
        began = time.monotonic()
        with (self.folder / "keycloak.log").open("ab") as log:
            self.process = subprocess.Popen(
                [HOME / "bin" / "kc.sh", *self._arguments()],
                env=self._environment(),
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while not self.answers():
            assert self.process.poll() is None, f"Keycloak ended:\n{self.log()[-3000:]}"
            assert time.monotonic() - began < START_S, f"Keycloak does not answer:\n{self.log()[-3000:]}"
            time.sleep(0.1)
        self.started_s = time.monotonic() - began

    def stop(self) -> None:
        """The orderly way, so that the database is whole."""
        if self.process is None:
            return
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.issuer("master"), timeout=5):  # noqa: S310 - our own address
                return True
        except (OSError, urllib.error.URLError):
            return False

    def log(self) -> str:
        return (self.folder / "keycloak.log").read_text(errors="replace")

    def _arguments(self) -> list[str]:
        database = self.folder / "keycloak"
        return [
            "start",
            "--optimized",
            "--http-enabled=true",
            "--http-host=127.0.0.1",
            f"--http-port={self.port}",
            f"--https-port={self.tls_port}",
            f"--https-certificate-file={self.folder / 'server-True.pem'}",
            f"--https-certificate-key-file={self.folder / 'server-True.key'}",
            "--hostname-strict=false",
            f"--db-url=jdbc:h2:file:{database};NON_KEYWORDS=VALUE",
        ]

    def _environment(self) -> dict[str, Any]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KC_", "JAVA_"))}
        return {
            **kept,
            "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
            "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1",  # it lives for minutes: quick to start, not quick for days
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN.name,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": ADMIN.secret,
        }


@contextmanager
def running(folder: Path) -> Iterator[Keycloak]:
    """Up while the block runs; skips loudly when Keycloak is not set up here."""
    if not TEMPLATE.exists() or shutil.which("java") is None:
        pytest.skip("SKIPPED: no Keycloak; 'script/test sso' fetches it, and needs java and maven")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(TEMPLATE, folder / "keycloak.mv.db")
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keycloak = Keycloak(folder)
        try:
            keycloak.start()
            yield keycloak
        finally:
            keycloak.stop()


def make_template() -> None:
    """Start once on an empty database, and keep it."""
    with tempfile.TemporaryDirectory(prefix="pma-kc-") as place, LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keycloak = Keycloak(Path(place))
        try:
            keycloak.start()
        finally:
            keycloak.stop()
        shutil.copy(Path(place) / "keycloak.mv.db", TEMPLATE)


if __name__ == "__main__":
    make_template()
