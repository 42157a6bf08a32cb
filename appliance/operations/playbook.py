"""One run of a playbook: Ansible as a program of its own, its events as progress."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEEP_ARTIFACTS = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """Something has happened. `kind`: `verified`, `notice`, `play`, `task`, `changed`, `failed` or `unreachable`."""

    kind: str
    text: str
    host: str = ""
    after_s: float = 0.0


Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    ok: bool
    changed: int
    """Tasks that changed something, over all hosts."""
    failed: str
    """Task, host and message of the first failure; empty when there was none."""
    plays_s: dict[str, float]
    """How long each play took."""
    changes: tuple[str, ...] = ()
    """Task and host of each change."""
    report: Mapping[str, Any] = field(default_factory=dict)
    """What the playbook reports of its own (`set_stats`)."""


@dataclass
class _Watch:
    tell: Tell
    began: float = field(default_factory=time.monotonic)
    plays: dict[str, float] = field(default_factory=dict)
    play: str = ""
    play_began: float = 0.0
    failed: str = ""
    changes: list[str] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)

    def take(self, event: Mapping[str, Any]) -> bool:
        """Handed each event; true keeps it for the artifacts."""
        data = event.get("event_data") or {}
        kind, task, host = event["event"], str(data.get("task") or ""), str(data.get("host") or "")
        if kind == "playbook_on_play_start":
            self.end_play()
            self.play, self.play_began = str(data.get("name") or ""), time.monotonic()
            self._say("play", self.play)
        elif kind == "playbook_on_task_start":
            self._say("task", task)
        elif kind == "runner_on_ok" and (data.get("res") or {}).get("changed"):
            self.changes.append(f"{task} ({host})")
            self._say("changed", task, host)
        elif kind == "playbook_on_stats":
            self.report.update(data.get("artifact_data") or {})
        elif kind in ("runner_on_failed", "runner_on_unreachable") and not data.get("ignore_errors"):
            said = _message(data.get("res") or {})
            self.failed = self.failed or f"{task} on {host}: {said}"
            self._say("failed" if kind == "runner_on_failed" else "unreachable", f"{task}: {said}", host)
        return True

    def end_play(self) -> None:
        if self.play:
            self.plays[self.play] = round(time.monotonic() - self.play_began, 1)

    def _say(self, kind: str, text: str, host: str = "") -> None:
        self.tell(Progress(kind, text, host, round(time.monotonic() - self.began, 1)))


def run_playbook(
    playbook: Path, inventory: Path, workspace: Path, variables: Mapping[str, Any], tell: Tell, *, check: bool = False
) -> Outcome:
    """Run to the end or to the first failure. `check`: say what would change, and change nothing.

    The caller holds the installation: what still runs on this inventory has lost its master, and is ended first.
    """
    import ansible_runner  # noqa: PLC0415 - nothing but an operation needs it

    watch = _Watch(tell)
    _end_orphans(inventory)
    workspace.mkdir(mode=0o700, exist_ok=True)
    shutil.rmtree(workspace / "env", ignore_errors=True)  # ansible-runner would take the options of the last run again
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '/usr/bin:/bin')}"
    done = ansible_runner.run(
        private_data_dir=str(workspace),
        playbook=str(playbook),
        inventory=str(inventory),
        extravars=dict(variables),
        envvars={"ANSIBLE_CONFIG": str(playbook.parent / "ansible.cfg"), "PATH": path, "LC_ALL": "C.UTF-8"},
        cmdline="--check" if check else None,
        event_handler=watch.take,
        rotate_artifacts=KEEP_ARTIFACTS,
        quiet=True,
    )
    watch.end_play()
    stats = done.stats or {}
    failed = watch.failed or (
        "" if done.status == "successful" else f"Ansible ended with {done.status}: {_end_of(done)}"
    )
    return Outcome(
        done.status == "successful",
        sum((stats.get("changed") or {}).values()),
        failed,
        watch.plays,
        tuple(watch.changes),
        watch.report,
    )


def _end_orphans(inventory: Path) -> None:
    """End what a killed process has left: ansible-runner lets Ansible ignore that its terminal is gone."""
    while orphans := _playbooks_on(inventory):
        for process in orphans:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.05)


def _playbooks_on(inventory: Path) -> list[int]:
    """Processes of ours that run a playbook with this inventory."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            ours = folder.stat().st_uid == os.geteuid() and not (folder / "stat").read_text().split(") ")[1].startswith(
                "Z"
            )
        except OSError:
            continue  # it ended just now
        if ours and str(inventory).encode() in words and any(w.endswith(b"/ansible-playbook") for w in words):
            found.append(int(folder.name))
    return found


def _message(result: Mapping[str, Any]) -> str:
    """What a failed task says, in one line; of a loop that of its first failed item."""
    for item in result.get("results") or ():
        if isinstance(item, Mapping) and item.get("failed"):
            return _message(item)
    words = [str(result.get(key) or "") for key in ("msg", "stderr", "stdout")]
    return " ".join(" ".join(words).split())[:800]


def _end_of(done: Any) -> str:
    try:
        return " ".join(done.stdout.read().split())[-600:]
    except (OSError, AttributeError):
        return "it left no output"
