"""The operations that people name: what each needs, what it runs, and what is written about it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.installation import load, to_inventory
from appliance.operations.certificates import ensure_certificates
from appliance.operations.errors import OperationFailed
from appliance.operations.playbook import Outcome, Tell, run_playbook
from appliance.operations.secretwords import ensure_secrets
from appliance.operations.workspace import Workspace

OPERATIONS = {"install": "site.yml"}
"""Operation → its playbook."""


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    description: Path
    """`installation.yml`."""
    bundle: Path
    """Where the bundle lies, here and on every host."""
    playbooks: Path | None = None
    """None: those of the bundle."""
    check: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)


def operate(operation: Operation, tell: Tell) -> Outcome:
    """Run it to its end.

    Raises:
        InstallationInvalid: the description cannot be used.
        OperationBusy: another one is running.
        OperationFailed: a task failed; the sentence has its host and what it said.
    """
    installation = load(operation.description)
    workspace = Workspace(operation.description, installation.name)
    playbooks = operation.playbooks or operation.bundle / "playbooks"
    with workspace.held():
        secrets = ensure_secrets(installation, operation.description)
        ensure_certificates(installation, operation.description, secrets)
        workspace.write_inventory(to_inventory(installation))
        variables = {
            "appliance_bundle": str(operation.bundle),
            "appliance_version": version_of(operation.bundle),
            "appliance_secrets_dir": str(secrets),
            **operation.variables,
        }
        began = time.monotonic()
        outcome = run_playbook(
            playbooks.absolute() / OPERATIONS[operation.name],
            workspace.inventory,
            workspace.folder,
            variables,
            tell,
            check=operation.check,
        )
        workspace.note(
            {
                "operation": operation.name,
                "check": operation.check,
                "version": variables["appliance_version"],
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


def version_of(bundle: Path) -> str:
    """Of the product in a bundle. Raises OperationFailed: there is none."""
    try:
        return str(json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError) as error:
        raise OperationFailed(
            f"{bundle} holds no bundle.", remedy="Name the folder that 'appliance bundle build' has made."
        ) from error
