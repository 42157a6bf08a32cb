"""Take a host out for maintenance, and bring it back.

Its engines are left out of the gateways' settings and its gateway out of the proxies' before anything on it is stopped,
so that nobody asks there any more; the way back is the other way round. Which hosts are out stands in the workspace.
"""

from collections.abc import Iterator

from appliance.installation import Installation, hosts_with
from appliance.operations.errors import HostNeeded, OperationFailed
from appliance.operations.playbook import Outcome, Tell
from appliance.operations.service import Operation, made_ready

PLAYBOOK = "drain.yml"
CAN_GO = frozenset({"gateway", "engines"})
"""Components of which another host can do the work meanwhile."""


def drain(operation: Operation, host: str, tell: Tell, *, undo: bool = False) -> Outcome:
    """Take a host out, or bring it back; safe to repeat.

    Raises:
        HostNeeded: something on it has nobody else to do its work; nothing was done.
        BundleRefused, InstallationInvalid, OperationBusy, UpgradeUnfinished: as with every operation.
        OperationFailed: a task failed; the same command goes on from there.
    """
    with made_ready(operation, tell) as ready:
        workspace = ready.workspace
        ready.refuse_unfinished()
        out = workspace.drained()
        wanted = out - {host} if undo else out | {host}
        for sentence in [] if undo else _needed(ready.installation, host, wanted):
            raise HostNeeded(sentence)
        if not undo:
            workspace.write_drained(wanted)
        ready.write_inventory(wanted)
        outcome = ready.play(PLAYBOOK, tell, {"drain_host": host, "drain_undo": undo})
        ready.note(outcome, host=host, undo=undo)
        if not outcome.ok:
            raise OperationFailed(f"drain did not end well. {outcome.failed}")
        workspace.write_drained(wanted)
        return outcome


def _needed(installation: Installation, host: str, out: frozenset[str]) -> Iterator[str]:
    """Why the host cannot be spared."""
    if host not in installation.hosts:
        yield f"The description has no host '{host}'; it has {', '.join(installation.hosts)}."
        return
    others = sorted(set(installation.hosts[host].components) - CAN_GO)
    if others:
        yield f"{host} has {', '.join(others)}, which no other host can do meanwhile."
    if set(hosts_with(installation, "gateway")) <= out:
        yield f"Without {host} there is no gateway."
    for model in installation.models:
        if set(model.hosts) <= out:
            yield f"Without {host} nobody runs the model {model.id}."
