"""Runs playbooks on the hosts of an installation: one at a time, with progress as it happens, and a record of each.

1. `verified_bundle` (trust.py) comes first: nothing is made, and nothing is run, from a bundle that was not verified.
2. `Workspace` (workspace.py) is a folder beside the description: lock, inventory, artifacts, what was done.
3. `ensure_secrets` and `ensure_certificates` make what must be made once, on the control machine.
   `keepsake.py` seals them beside a backup that is brought here, and brings them back.
4. `run_playbook` (playbook.py) starts Ansible by ansible-runner and turns its events into `Progress`.
5. `operate` (service.py) puts these together for a named operation. Each ends with a line in `operations.jsonl`.
6. `upgrade` and `rollback` (upgrade.py) know the way forward and back, also where a killed process has left it.
7. `drain` (drain.py) takes a host out for maintenance, and brings it back.

Rule: secrets stay in files of mode 0600. No event, no inventory and no line of the record holds one.
"""

from appliance.operations.drain import drain
from appliance.operations.errors import (
    HostNeeded,
    HostsOut,
    OperationBusy,
    OperationFailed,
    UpgradeTakenBack,
    UpgradeUnfinished,
)
from appliance.operations.gathered import Gathered, gather
from appliance.operations.keepsake import NoKeepsake, keep, refuse_without, take_back
from appliance.operations.playbook import Outcome, Progress
from appliance.operations.secretwords import IDENTITY
from appliance.operations.service import OPERATIONS, Operation, operate
from appliance.operations.upgrade import rollback, upgrade
from appliance.operations.workspace import Workspace

__all__ = [
    "IDENTITY",
    "OPERATIONS",
    "Gathered",
    "HostNeeded",
    "HostsOut",
    "NoKeepsake",
    "Operation",
    "OperationBusy",
    "OperationFailed",
    "Outcome",
    "Progress",
    "UpgradeTakenBack",
    "UpgradeUnfinished",
    "Workspace",
    "drain",
    "gather",
    "keep",
    "operate",
    "refuse_without",
    "rollback",
    "take_back",
    "upgrade",
]
