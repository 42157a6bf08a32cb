"""What breaks on three hosts, what people see of it, for how long, and that nothing is lost.

Somebody goes on asking, chatting, giving documents and looking around (`watch.py`) while a part is taken away and given
back. The rows that are printed are those of docs/reference/failures.md.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.deploy.conftest import PASSWORD, THREE, Installation
from tests.deploy.lab import Node
from tests.deploy.lab.base import ROOT

KINDS = ("question", "chat", "newcomer", "document", "look")
BROKEN_S = 25
FROZEN_S = 50
"""Longer than `engines.max_wait_s`, for which people wait for an engine that may come back."""
WELL_S = 300
"""Longest wait until all is well."""
ENDLESS_S = 90
"""No request may take so long."""
ENGINE = {"engine_unavailable", "engines_busy"}
DATABASE = {"database_unavailable"}
RIGHTS = {"rights_unknown"}
"""Of what is open while the database is silent: nobody knows whether its owner may still see it."""
DISK = {"disk_full", "usage_journal_unwritable"}
DATA = "/var/lib/appliance"

pytestmark = pytest.mark.timeout(1200)

Line = dict[str, Any]


class AtWork:
    """Somebody who works on, and what they saw so far."""

    def __init__(self, three: Installation, scenario: str) -> None:
        facts = three.facts("ada", PASSWORD, THREE["n3"].address) | {"scenario": scenario}
        file = three.folder / f"watch-{scenario}.json"
        file.write_text(json.dumps(facts))
        command = three.lab.inside([sys.executable, "-m", "tests.deploy.watch", str(file)])
        self.process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.lines: list[Line] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def well_since(self, moment: float) -> float:
        """Wait until all that began after a moment (seconds since 1970) works; seconds until the last of them did."""
        ends = time.monotonic() + WELL_S
        while time.monotonic() < ends:
            assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()[-2000:]
            begun = [line for line in self.lines if "kind" in line and line["began"] >= moment]
            tried = [[line for line in begun if line["kind"] == kind] for kind in KINDS]
            if all(lines and not lines[-1]["code"] for lines in tried):
                return max(_first_of_the_good(lines)["ended"] for lines in tried) - moment
            time.sleep(0.5)
        raise AssertionError(f"not well after {WELL_S} s: {self.lines[-8:]}")

    def end(self) -> dict[str, Any]:
        """Stop, and see what was kept."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.write("\n")
        self.process.stdin.close()
        self._reader.join(timeout=WELL_S + 60)
        assert self.process.wait(timeout=60) == 0, self.process.stderr.read()[-3000:]
        return self.lines[-1]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))


def _first_of_the_good(lines: list[Line]) -> Line:
    """The first after which none failed."""
    bad = [at for at, line in enumerate(lines) if line["code"]]
    return lines[bad[-1] + 1 if bad else 0]


def suffer(
    three: Installation,
    scenario: str,
    breaks: Callable[[], object],
    mends: Callable[[], object],
    codes: set[str],
    seconds: float = BROKEN_S,
) -> dict[str, set[str]]:
    """Break it for a while, mend it, print the row; which codes each kind of work met."""
    work = AtWork(three, scenario)
    try:
        work.well_since(0.0)
        began = time.time()
        breaks()
        time.sleep(seconds)
        mended = time.time()
        mends()
        well_s = work.well_since(mended)
        kept = work.end()
    finally:
        work.process.kill()
    lines = [line for line in work.lines if "kind" in line and line["ended"] >= began]
    failed = [line for line in lines if line["code"]]
    tell(scenario, began, mended, well_s, lines, kept)
    lost = {key: value for key, value in kept.items() if key.endswith(("_lost", "_running", "_unread")) and value}
    assert lost == {}
    assert {line["code"] for line in failed} <= codes, [line for line in failed if line["code"] not in codes]
    assert max(line["ended"] - line["began"] for line in lines) < ENDLESS_S
    return {kind: {line["code"] for line in failed if line["kind"] == kind} for kind in KINDS}


def tell(scenario: str, began: float, mended: float, well_s: float, lines: list[Line], kept: dict[str, Any]) -> None:
    failed = [line for line in lines if line["code"]]
    said = min((line["ended"] for line in failed), default=began) - began
    longest = max(line["ended"] - line["began"] for line in lines)
    print(f"\n{scenario}: broken for {mended - began:.0f} s")
    for kind in KINDS:
        met = sorted({(line["status"], line["code"], line["message"]) for line in failed if line["kind"] == kind})
        print(f"  {kind}: {met or 'goes on'}")
    print(
        f"  said after {said:.1f} s, longest request {longest:.1f} s, well {well_s:.1f} s after the end; kept: {kept}"
    )


def test_a_partition_between_gateway_and_engines(three: Installation) -> None:
    cut, plug = three.lab.pull_cable, three.lab.plug_cable
    met = suffer(three, "partition", lambda: cut("n2"), lambda: plug("n2"), ENGINE)
    assert met["question"] & ENGINE
    assert not met["look"] | met["document"], "documents are taken, and read when the engine is back"


def test_a_frozen_engine(three: Installation) -> None:
    def signal(name: str) -> Callable[[], object]:
        return lambda: three.nodes["n2"].done(f"systemctl kill --kill-whom=all -s {name} 'vllm@smollm2-135m-instruct'")

    met = suffer(three, "frozen", signal("STOP"), signal("CONT"), ENGINE, FROZEN_S)
    assert met["newcomer"] & ENGINE, "whoever waits for it since before waits on, for up to `engines.silence_s`"
    assert not met["look"] | met["document"]


def test_a_full_disk_of_the_gateway(three: Installation) -> None:
    node = three.nodes["n3"]
    with small_disk(node):
        fill = lambda: node.shell(f"cat /dev/zero >{DATA}/filler")  # noqa: E731 - it ends with an error, as it should
        met = suffer(three, "full disk", fill, lambda: node.done(f"rm {DATA}/filler"), DISK)
    assert met["document"] == {"disk_full"}
    assert not met["look"]


def test_a_database_that_is_stopped(three: Installation) -> None:
    node = three.nodes["n1"]
    stop, start = "systemctl stop 'postgresql@*'", "systemctl start postgresql"
    met = suffer(three, "no database", lambda: node.done(stop), lambda: node.done(start), DATABASE)
    assert all(codes == DATABASE for codes in met.values()), met


def test_a_database_host_without_power(three: Installation) -> None:
    """With it go the cache and Keycloak: whoever is logged in needs neither."""
    node = three.nodes["n1"]
    met = suffer(three, "no power", node.power_off, node.power_on, DATABASE | RIGHTS)
    assert all(codes for codes in met.values()), met


@contextmanager
def small_disk(node: Node) -> Iterator[None]:
    """The gateway's data folder on a disk of its own with 256 MiB of room: memory, which is full as a disk is full."""
    away = f"{DATA}.away"
    node.done(
        f"systemctl stop appliance-gateway.service && cp -a {DATA} {away} && "
        f"mount -t tmpfs -o size=$(( $(du -sm {away} | cut -f1) + 256 ))m,mode=0700 data {DATA} && "
        f"cp -a {away}/. {DATA}/ && chown appliance: {DATA} && systemctl start appliance-gateway.service"
    )
    try:
        yield
    finally:
        node.done(
            f"systemctl stop appliance-gateway.service && rm -rf {away} && cp -a {DATA} {away} && umount {DATA} && "
            f"cp -a {away}/. {DATA}/ && rm -rf {away} && systemctl start appliance-gateway.service"
        )
