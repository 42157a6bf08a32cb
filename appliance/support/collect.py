"""A host's part of a support bundle: each file is made of one question, redacted line by line."""

import json
import subprocess
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from appliance.support.redact import Redactor

WAIT_S = 30
"""Longest answer to one question; the doctor may take longer."""
DOCTOR_S = 120
LINES = 4000
"""Of the journal of each unit, the newest."""
UNITS = (
    *("appliance-*", "vllm@*", "keycloak*", "nginx*", "postgresql*", "redis-server*", "valkey-server*"),
    *("qdrant*", "prometheus*", "nftables*"),
)
OURS = ("appliance-",)
"""Units whose lines are written by this product's own code."""
STATES = "Id,ActiveState,SubState,Result,NRestarts,ExecMainStatus,MemoryCurrent,CPUUsageNSec,ActiveEnterTimestamp"
PACKAGES = (
    *("nftables", "nginx", "postgresql", "redis-server", "valkey-server", "prometheus", "prometheus-alertmanager"),
    *("prometheus-node-exporter", "default-jre-headless", "age", "openssh-server", "systemd", "libc6"),
)
SECRETS = ("/etc/appliance/secrets", "/etc/appliance/keycloak", "/etc/appliance/engines", "/etc/appliance")
"""Folders whose files hold them. Files that others may read are none."""
CERTIFICATES = ("/etc/appliance", "/etc/nginx")
COMMANDS: dict[str, tuple[str, ...]] = {
    "system.txt": ("uname", "-srvm"),
    "release.txt": ("cat", "/etc/os-release"),
    "packages.txt": ("dpkg-query", "--show", "--showformat", "${Package} ${Version} ${db:Status-Abbrev}\n", *PACKAGES),
    "units.txt": ("systemctl", "show", "--no-pager", "--property", STATES, *UNITS),
    "timers.txt": ("systemctl", "list-timers", "--no-pager", "--all", "appliance-*"),
    "disk.txt": ("df", "--portability", "--print-type"),
    "inodes.txt": ("df", "--inodes"),
    "memory.txt": ("free", "--mebi"),
    "load.txt": ("cat", "/proc/loadavg", "/proc/uptime"),
    "listeners.txt": ("ss", "--no-header", "--listening", "--numeric", "--tcp", "--udp", "--processes"),
    "time.txt": ("timedatectl", "show"),
    "releases.txt": ("ls", "-l", "/opt/appliance", "/opt/appliance/releases"),
    "gpu.txt": (
        "nvidia-smi",
        "--query-gpu=index,name,memory.total,memory.used,driver_version,temperature.gpu,ecc.mode.current",
        "--format=csv",
    ),
}


@dataclass(frozen=True, slots=True)
class Collector:
    """Asks one host."""

    settings: Path
    doctor: tuple[str, ...]
    """Command of the appliance's own check of this host."""
    metrics: str
    """Address of its numbers; empty on a host without a gateway."""
    token: str
    days: int
    """So far back goes the journal."""

    def write(self, file: Path, redactor: Redactor) -> list[str]:
        """Make the archive, readable by its owner only; the names of what is in it."""
        file.touch(mode=0o600)
        names = []
        with tarfile.open(file, "w:gz") as archive:
            for name, text in self._parts(redactor):
                content = text.encode()
                facts = tarfile.TarInfo(name)
                facts.size, facts.mode = len(content), 0o600
                archive.addfile(facts, BytesIO(content))
                names.append(name)
        return names

    def _parts(self, redactor: Redactor) -> Iterator[tuple[str, str]]:
        for name, command in COMMANDS.items():
            yield name, _lines(_said(command), redactor.value)
        yield "settings.json", self._settings(redactor)
        yield "certificates.txt", _lines(_certificates(), redactor.value)
        yield "doctor.json", _lines(_said(self.doctor, DOCTOR_S), redactor.value)
        yield "metrics.txt", _lines(self._metrics(), redactor.value)
        for unit in _units():
            through = partial(redactor.line, ours=unit.startswith(OURS))
            yield f"journal/{unit}.txt", _journal(unit, self.days, through)

    def _settings(self, redactor: Redactor) -> str:
        try:
            given = tomllib.loads(self.settings.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            return f"could not be read: {type(error).__name__}"
        return json.dumps(redactor.table(given), indent=1)

    def _metrics(self) -> str:
        if not self.metrics:
            return "this host has no gateway"
        asked = Request(self.metrics, headers={"Authorization": f"Bearer {self.token}"})  # noqa: S310 - http, our own
        try:
            with urlopen(asked, timeout=WAIT_S) as reply:  # noqa: S310
                text: str = reply.read().decode()
        except (URLError, TimeoutError, OSError) as error:
            return f"could not be asked: {type(error).__name__}"
        return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def secrets_here() -> Iterator[str]:
    """What this host keeps for its eyes only: whole files, lines, what follows `=`, and passwords of addresses."""
    for folder in SECRETS:
        for file in sorted(Path(folder).rglob("*")) if Path(folder).is_dir() else ():
            if not file.is_file() or file.stat().st_mode & 0o004:
                continue
            text = file.read_text(encoding="utf-8", errors="replace")
            if file.suffix not in (".toml", ".pem"):
                yield from (line.partition("=")[2] or line for line in text.splitlines())
            yield from (part.rpartition(":")[2] for part in text.split("@")[:-1])


def _said(command: tuple[str, ...], wait_s: float = WAIT_S) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=wait_s, errors="replace")  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"could not be asked: {type(error).__name__}"
    return done.stdout or done.stderr


def _lines(text: str, through: Callable[[str], str]) -> str:
    return "\n".join(map(through, text.splitlines())) + "\n"


def _units() -> list[str]:
    listed = _said(
        ("systemctl", "list-units", "--all", "--no-legend", "--plain", "--no-pager", "--type=service", *UNITS)
    )
    return sorted({line.split()[0] for line in listed.splitlines() if line.strip()})


def _journal(unit: str, days: int, through: Callable[[str], str]) -> str:
    """Lines of systemd itself as they are; of the unit's those that may leave, and how many may not."""
    since = f"--since=-{days}d"
    command = ("journalctl", "--no-pager", "--output=json", f"--unit={unit}", since, f"--lines={LINES}")
    told, left_out = [], 0
    for raw in _said(command).splitlines():
        try:
            entry = json.loads(raw)
        except ValueError:
            continue
        message = entry.get("MESSAGE")
        by_systemd = entry.get("SYSLOG_IDENTIFIER") == "systemd" and entry.get("_PID") == "1"
        line = "" if not isinstance(message, str) else message if by_systemd else through(message)
        left_out += not line
        if line:
            told.append(f"{int(entry['__REALTIME_TIMESTAMP']) / 1e6:.3f} {line}")
    return "\n".join([*told, f"({left_out} lines left out: their form is not known to hold no text)"]) + "\n"


def _certificates() -> str:
    found = []
    for folder in CERTIFICATES:
        for file in sorted(Path(folder).rglob("*.pem")) if Path(folder).is_dir() else ():
            words = ("openssl", "x509", "-noout", "-subject", "-issuer", "-startdate", "-enddate", "-in", str(file))
            found.append(f"{file}: {' · '.join(_said(words).splitlines())}")
    return "\n".join(found)
