"""The operations that people name: what each needs, what it runs, and what is written about it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.installation import load, to_inventory
from appliance.operations.certificates import ensure_certificates
from appliance.operations.errors import OperationFailed
from appliance.operations.playbook import Outcome, Progress, Tell, run_playbook
from appliance.operations.secretwords import IDENTITY, ensure_secrets
from appliance.operations.trust import verified_bundle, verify_models
from appliance.operations.workspace import Workspace

OPERATIONS = {"install": "site.yml", "backup": "backup.yml", "restore": "restore.yml", "rehearse": "rehearse.yml"}
"""Operation → its playbook."""
WITH_MODELS = ("install", "restore")
"""These bring models to hosts."""


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
    variables: Mapping[str, Any] = field(default_factory=dict)


def operate(operation: Operation, tell: Tell) -> Outcome:
    """Verify the bundle, then run it to its end.

    Raises:
        BundleRefused: something in the bundle is not what was signed; nothing was done.
        InstallationInvalid: the description cannot be used.
        OperationBusy: another one is running.
        OperationFailed: a task failed; the sentence has its host and what it said.
    """
    began = time.monotonic()
    bundle = verified_bundle(operation.bundle, operation.signers, tell)
    installation = load(operation.description)
    if operation.name in WITH_MODELS:
        verify_models(installation, operation.bundle, operation.signers, tell)
    verified_s = round(time.monotonic() - began, 1)
    workspace = Workspace(operation.description, installation.name)
    playbooks = operation.playbooks or operation.bundle / "playbooks"
    with workspace.held():
        secrets = ensure_secrets(installation, operation.description)
        ensure_certificates(installation, operation.description, secrets)
        _remind_of_the_key(secrets, tell)
        workspace.write_inventory(to_inventory(installation))
        variables = {
            "appliance_bundle": str(operation.bundle),
            "appliance_version": bundle.version,
            "appliance_secrets_dir": str(secrets),
            **operation.variables,
        }
        outcome = run_playbook(
            playbooks.absolute() / OPERATIONS[operation.name],
            workspace.inventory,
            workspace.folder,
            variables,
            tell,
            check=operation.check,
        )
        outcome = replace(outcome, plays_s={"Verify the bundle": verified_s, **outcome.plays_s})
        workspace.note(
            {
                "operation": operation.name,
                "check": operation.check,
                "version": bundle.version,
                "signed_by": bundle.signed_by,
                "ended": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - began, 1),
                "ok": outcome.ok,
                "changed": outcome.changed,
                "failed": outcome.failed,
            }
        )
    if not outcome.ok:
        raise OperationFailed(f"{operation.name} did not end well. {outcome.failed}")
    return outcome


def _remind_of_the_key(secrets: Path, tell: Tell) -> None:
    """Whoever takes this machine would have both halves."""
    if (secrets / IDENTITY).exists():
        text = f"{secrets / IDENTITY} opens the secrets in backups. Keep a copy in a safe, and delete it here."
        tell(Progress("notice", text))
