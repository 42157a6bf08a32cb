"""A support bundle of a host in use, with one host down: what was planted is not in it, and who tried to get out is."""

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.conftest import ADDRESS, Installation
from tests.deploy.lab import Node

GONE = "10.77.0.98"
KEY = "pma_Plant3dK_" + "Qx7" * 15
MAIL = "planted.person@firm.example"
PASSWORD = "planted-pass-w0rd-99"
TEXT = "Umbra buys Lumen for nine million"
PLANT = f"""
cat >/root/plant.py <<'END'
import urllib.request as r
for path in ("/api/search?q={TEXT.replace(" ", "+")}&key={KEY}", "/api/users/{MAIL}"):
    try: r.urlopen(r.Request("http://127.0.0.1:8080" + path, headers={{"Authorization": "Bearer {KEY}"}}), timeout=20)
    except Exception: pass
END
python3 /root/plant.py
cat >/root/planted.sh <<'END'
echo '{TEXT}'
echo '(APIServer pid=7) INFO 11-26 02:23:04 [logger.py:39] Received request x: prompt: {TEXT}, params: y'
echo '(APIServer pid=7) ERROR 11-26 02:23:05 [logger.py:40] refused {MAIL} with password={PASSWORD} and {KEY}'
echo '(APIServer pid=7) ERROR 11-26 02:23:06 [core.py:283] Out of memory on device 0'
cat /etc/appliance/secrets/database-url
END
systemd-run --quiet --property RemainAfterExit=yes --unit nginx-planted.service bash /root/planted.sh; sleep 2
journalctl --sync
"""
TRY = "timeout 2 bash -c '</dev/tcp/192.0.2.77/4711'"

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def told(single: Installation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `appliance diagnose` said, the file's content, and where it lies."""
    node = single.nodes["n1"]
    node.done(PLANT)
    node.done(f"ip route add default via 10.77.0.1; runuser -u www-data -- {TRY}; ip route del default; true")
    node.done("systemctl reload nftables.service")  # what was seen before is kept
    given = yaml.safe_load(single.description.read_text(encoding="utf-8"))
    given |= {"layout": "multi", "hosts": {**given["hosts"], "gone": {"address": GONE, "components": []}}}
    description = single.folder / "one-is-down.yml"
    description.write_text(yaml.safe_dump(given), encoding="utf-8")
    folder = tmp_path_factory.mktemp("support")
    said = single.said("diagnose", "-i", str(description), "--to", str(folder), code=1)
    with tarfile.open(said["file"]) as archive:
        files = {m.name: (archive.extractfile(m) or pytest.fail(m.name)).read() for m in archive}
    return {"said": said, "files": files, "folder": folder}


def test_nothing_that_was_planted_leaves_the_host(told: dict[str, Any], single: Installation) -> None:
    everything = b"\n".join(told["files"].values()).decode()
    secrets = [f.read_text().strip() for f in (single.folder / "secrets").iterdir() if f.suffix == ""]
    words = (KEY, KEY[13:], MAIL, PASSWORD, TEXT, "Umbra", "Lumen", TEXT.replace(" ", "+"), *secrets)
    assert [word for word in words if word in everything] == []
    assert Path(told["said"]["file"]).stat().st_mode & 0o777 == 0o600
    node = single.nodes["n1"]
    assert node.shell("test -e /run/appliance-support").returncode != 0, "nothing of it stays on the host"


def test_what_helps_is_in_it(told: dict[str, Any]) -> None:
    files = {name: content.decode() for name, content in told["files"].items()}
    assert "Out of memory on device 0" in files["n1/journal/nginx-planted.service.txt"]
    assert "event='request'" in files["n1/journal/appliance-gateway.service.txt"]
    assert "ActiveState=active" in files["n1/units.txt"]
    assert json.loads(files["n1/settings.json"])["server"]["port"] == 8080
    assert ":443" in files["n1/listeners.txt"]
    assert "notAfter=" in files["n1/certificates.txt"]
    assert "appliance_" in files["n1/metrics.txt"]
    assert '"install"' in files["operations.jsonl"]
    json.loads(files["n1/doctor.json"])


def test_a_host_that_is_down_spoils_nothing(told: dict[str, Any]) -> None:
    assert told["said"]["missing"] == ["gone"]
    assert told["files"]["missing.txt"].decode().split() == ["gone"]


def test_every_attempt_to_get_out_is_listed_and_the_statement_is_signed(
    told: dict[str, Any], single: Installation
) -> None:
    statement = told["said"]["egress"]["n1"]
    assert statement["denied_by_default"]
    tried = {(row["user"], row["address"], row["protocol"], row["port"]) for row in statement["attempts"]}
    assert ("www-data", "192.0.2.77", "tcp", 4711) in tried
    assert "tried since" in statement["sentence"]
    signed, signature = told["folder"] / "egress.json", told["folder"] / "egress.json.sig"
    signed.write_bytes(told["files"]["n1/egress.json"])
    signature.write_bytes(told["files"]["n1/egress.json.sig"])
    assert verified(signed, signature, single.nodes["n1"])
    signed.write_bytes(signed.read_bytes().replace(b"4711", b"4712"))
    assert not verified(signed, signature, single.nodes["n1"])


def verified(signed: Path, signature: Path, node: Node) -> bool:
    """By the key under which this machine knows the host."""
    option = next(word for word in node.ssh_options() if word.startswith("UserKnownHostsFile="))
    find = ["ssh-keygen", "-F", ADDRESS, "-f", option.partition("=")[2]]  # names may be hashed there
    lines = subprocess.run(find, capture_output=True, text=True, check=True).stdout.splitlines()
    keys = [line.split(None, 1)[1] for line in lines if not line.startswith("#")]
    known = signed.with_name("known")
    known.write_text("".join(f"n1 {key}\n" for key in keys))
    command = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        str(known),
        "-I",
        "n1",
        "-n",
        "appliance-egress",
        "-s",
        str(signature),
    ]
    return subprocess.run(command, input=signed.read_bytes(), capture_output=True, check=False).returncode == 0
