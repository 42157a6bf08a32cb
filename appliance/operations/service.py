"""The operations that people name: what each needs, what it runs, and what is written about it."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.bundle import Bundle, checking
from appliance.installation import Installation, load, to_inventory
from appliance.operations.certificates import ensure_certificates
from appliance.operations.errors import HostsOut, OperationFailed, UpgradeUnfinished
from appliance.operations.playbook import Outcome, Progress, Tell, run_playbook
from appliance.operations.secretwords import IDENTITY, ensure_secrets
from appliance.operations.trust import verified_bundle, verify_models
from appliance.operations.workspace import Workspace

OPERATIONS = {
    "install": "site.yml",
    "backup": "backup.yml",
    "restore": "restore.yml",
    "rehearse": "rehearse.yml",
    "diagnose": "diagnose.yml",
}
"""Operation → its playbook; those of several playbooks have a module of their own."""
WITH_MODELS = ("install", "restore", "upgrade")
"""These bring models to hosts."""
ONLY_LOOKS = ("diagnose",)
"""These change nothing, and must run when another operation hangs."""


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    description: Path
    """`installation.yml`."""
    bundle: Path
    """Where the bundle lies, here and on every host."""
    signers: Path
    """Keys to believe, in OpenSSH's form; must not have come with the bundle."""
    playbooks: Path | None = None
    """None: those of the bundle."""
    check: bool = False
    """Install: say what would change. Upgrade: only look whether it may begin."""
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything was verified and made, and nobody else may operate."""

    operation: Operation
    bundle: Bundle
    installation: Installation
    workspace: Workspace
    playbooks: Path
    variables: Mapping[str, Any]
    began: float
    """By the monotonic clock."""
    verified_s: float

    def play(self, playbook: str, tell: Tell, more: Mapping[str, Any] | None = None) -> Outcome:
        """Run one of the bundle's playbooks to its end, or to the first failure."""
        outcome = run_playbook(
            self.playbooks / playbook,
            self.workspace.inventory,
            self.workspace.folder / "looks" if self.operation.name in ONLY_LOOKS else self.workspace.folder,
            {**self.variables, **(more or {})},
            tell,
            check=self.operation.check and self.operation.name != "upgrade",
        )
        return replace(outcome, plays_s={"Verify the bundle": self.verified_s, **outcome.plays_s})

    def write_inventory(self, drained: frozenset[str]) -> None:
        """Anew, with hosts that get no requests."""
        self.workspace.write_inventory(to_inventory(self.installation, drained))

    def refuse_unfinished(self) -> None:
        """Raises UpgradeUnfinished: an upgrade was interrupted, and must be ended first."""
        unfinished = self.workspace.upgrade()
        if unfinished is not None:
            raise UpgradeUnfinished(f"The upgrade to {unfinished.version} was not finished.")

    def refuse_drained(self) -> None:
        """Raises HostsOut: what is stopped on purpose would be started."""
        out = self.workspace.drained()
        if out:
            raise HostsOut(f"Out for maintenance: {', '.join(sorted(out))}.")

    def note(self, outcome: Outcome, **more: Any) -> None:
        """Write the line of the record."""
        self.workspace.note(
            {
                "operation": self.operation.name,
                "check": self.operation.check,
                "version": self.bundle.version,
                "signed_by": self.bundle.signed_by,
                "ended": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - self.began, 1),
                "ok": outcome.ok,
                "changed": outcome.changed,
                "failed": outcome.failed,
                **more,
            }
        )


@contextmanager
def made_ready(operation: Operation, tell: Tell) -> Iterator[Ready]:
    """Verify the bundle, hold the lock, write what playbooks read.

    Raises:
        BundleRefused: something in the bundle is not what was signed; nothing was done.
        InstallationInvalid: the description cannot be used.
        OperationBusy: another one is running.
    """
    began = time.monotonic()
    bundle = verified_bundle(operation.bundle, operation.signers, tell)
    installation = load(operation.description)
    if operation.name in WITH_MODELS:
        verify_models(installation, operation.bundle, operation.signers, tell)
    verified_s = round(time.monotonic() - began, 1)
    workspace = Workspace(operation.description, installation.name)
    playbooks = operation.playbooks or operation.bundle / "playbooks"
    looks = operation.name in ONLY_LOOKS
    workspace.folder.mkdir(mode=0o700, exist_ok=True)
    with nullcontext() if looks else workspace.held():
        secrets = ensure_secrets(installation, operation.description)
        ensure_certificates(installation, operation.description, secrets)
        _remind_of_the_key(secrets, tell)
        if not (looks and workspace.inventory.exists()):
            workspace.write_inventory(to_inventory(installation))
        variables = {
            "appliance_bundle": str(operation.bundle),
            "appliance_version": bundle.version,
            "appliance_min_from": bundle.min_upgrade_from,
            "appliance_secrets_dir": str(secrets),
            "appliance_signers": str(operation.signers.absolute()),
            "appliance_checker": checking.__file__,
            "appliance_manifest_sha256": hashlib.sha256(
                (operation.bundle / checking.MANIFEST).read_bytes()
            ).hexdigest(),
            **operation.variables,
        }
        yield Ready(operation, bundle, installation, workspace, playbooks.absolute(), variables, began, verified_s)


def operate(operation: Operation, tell: Tell) -> Outcome:
    """Verify the bundle, then run it to its end.

    Raises:
        BundleRefused: something in the bundle is not what was signed; nothing was done.
        InstallationInvalid: the description cannot be used.
        OperationBusy: another one is running.
        UpgradeUnfinished: an upgrade was interrupted, and must be ended first.
        HostsOut: hosts are out for maintenance, and must be back first.
        OperationFailed: a task failed; the sentence has its host and what it said.
    """
    with made_ready(operation, tell) as ready:
        if operation.name == "install":
            ready.refuse_unfinished()
            ready.refuse_drained()
        outcome = ready.play(OPERATIONS[operation.name], tell)
        if outcome.ok and operation.name in ("install", "restore") and not operation.check:
            ready.workspace.note_applied(ready.playbooks)
        ready.note(outcome)
    if not outcome.ok:
        raise OperationFailed(f"{operation.name} did not end well. {outcome.failed}")
    return outcome


def _remind_of_the_key(secrets: Path, tell: Tell) -> None:
    """Whoever takes this machine would have both halves."""
    if (secrets / IDENTITY).exists():
        text = f"{secrets / IDENTITY} opens the secrets in backups. Keep a copy in a safe, and delete it here."
        tell(Progress("notice", text))
