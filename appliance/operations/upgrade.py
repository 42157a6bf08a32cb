"""From one release to the next, and back: by itself when a step of the way fails, by hand later.

What was done is known in two places. Each host has a note of an upgrade that goes on, by which a playbook goes on where
it was. The workspace here knows whether anything was touched, and whether the way is forward or back: written before
it is so, so that a process that is killed leaves the next one enough to end well.
"""

from msgspec.structs import replace

from appliance.operations.errors import OperationFailed, UpgradeTakenBack, UpgradeUnfinished
from appliance.operations.playbook import Outcome, Progress, Tell
from appliance.operations.service import Operation, Ready, made_ready
from appliance.operations.workspace import UnfinishedUpgrade

FORWARD, BACK = "upgrade.yml", "rollback.yml"

UNTOUCHED = (
    "Look at the hosts and at what runs there",
    "Stage the new release beside the present one",
    "Ask whether the database can follow",
    "Make a checkpoint",
    "Keep the way back",
)
"""Plays of the way forward that leave alone what runs; from the next one on a failure is answered by going back."""


def upgrade(operation: Operation, tell: Tell) -> Outcome:
    """Bring all hosts to the bundle's release, or leave them with the one that they have.

    Raises:
        BundleRefused, InstallationInvalid, OperationBusy: as with every operation; nothing was done.
        UpgradeUnfinished: the one to another release was interrupted.
        HostsOut: hosts are out for maintenance.
        OperationFailed: it did not begin, or it could not be taken back by itself either.
        UpgradeTakenBack: it failed, and the release before runs again.
    """
    with made_ready(operation, tell) as ready:
        workspace, version = ready.workspace, ready.bundle.version
        ready.refuse_drained()
        before = workspace.upgrade()
        if before is not None and before.version != version:
            raise UpgradeUnfinished(f"The upgrade to {before.version} was not finished, and the bundle has {version}.")
        if operation.check:
            return _looked(ready, tell)
        if before is not None and before.why_back:
            _take_back(ready, before, tell)
        state = before or UnfinishedUpgrade(version)
        workspace.write_upgrade(state)
        outcome = ready.play(FORWARD, _watched(ready, state, tell), _new_roles(ready))
        if not outcome.ok:
            _answer(ready, outcome, tell)
        workspace.note_applied(ready.playbooks)
        workspace.write_upgrade(None)
        ready.note(outcome)
        return outcome


def rollback(operation: Operation, tell: Tell) -> Outcome:
    """Bring all hosts back to the release before, with the data of now.

    Raises:
        BundleRefused, InstallationInvalid, OperationBusy: as with every operation; nothing was done.
        OperationFailed: there is none, the database cannot go back, or a task failed; the same command goes on.
    """
    with made_ready(operation, tell) as ready:
        before = ready.workspace.upgrade()
        going_back = before or UnfinishedUpgrade(ready.bundle.version)
        ready.workspace.write_upgrade(replace(going_back, touched=True, why_back=going_back.why_back or "by hand"))
        outcome = ready.play(BACK, tell)
        ready.note(outcome)
        if not outcome.ok:
            if _refused_to_begin(outcome):
                ready.workspace.write_upgrade(before)
            raise OperationFailed(f"rollback did not end well. {outcome.failed}")
        ready.workspace.write_upgrade(None)
        return outcome


def _looked(ready: Ready, tell: Tell) -> Outcome:
    """Only whether it may begin."""
    outcome = ready.play(FORWARD, tell, {"upgrade_only_look": True})
    ready.note(outcome)
    if not outcome.ok:
        raise OperationFailed(f"The upgrade to {ready.bundle.version} would not begin. {outcome.failed}")
    return outcome


def _new_roles(ready: Ready) -> dict[str, list[str]]:
    return {"upgrade_roles": ready.workspace.changed_roles(ready.playbooks)}


def _watched(ready: Ready, state: UnfinishedUpgrade, tell: Tell) -> Tell:
    """Note the first play that touches something."""

    def told(progress: Progress) -> None:
        if progress.kind == "play" and progress.text not in UNTOUCHED and not state.touched:
            ready.workspace.write_upgrade(replace(state, touched=True))
        tell(progress)

    return told


def _answer(ready: Ready, outcome: Outcome, tell: Tell) -> None:
    """What follows a failure on the way forward. Always raises."""
    state = ready.workspace.upgrade() or UnfinishedUpgrade(ready.bundle.version)
    if not state.touched:
        ready.workspace.write_upgrade(None)
        ready.note(outcome)
        raise OperationFailed(
            f"The upgrade to {state.version} did not begin, and nothing that runs was touched. {outcome.failed}",
            remedy="Correct what the sentence names, and run the same command again.",
        )
    ready.note(outcome)
    going_back = replace(state, why_back=outcome.failed or "it was interrupted")
    ready.workspace.write_upgrade(going_back)
    _take_back(ready, going_back, tell)


def _take_back(ready: Ready, state: UnfinishedUpgrade, tell: Tell) -> None:
    """Run the way back. Always raises, since the upgrade did not come about."""
    outcome = ready.play(BACK, tell, {"upgrade_nothing_is_fine": True})
    ready.note(outcome, operation="rollback", why=state.why_back)
    if not outcome.ok:
        raise OperationFailed(
            f"The upgrade to {state.version} failed ({state.why_back}), and so did the way back. {outcome.failed}",
            remedy="Correct what the second sentence names, and run 'appliance rollback': it goes on from there.",
        )
    ready.workspace.write_upgrade(None)
    raise UpgradeTakenBack(
        f"{state.version} was taken back, and the release before runs again with all data. Why: {state.why_back}"
    )


def _refused_to_begin(outcome: Outcome) -> bool:
    return "[previous]" in outcome.failed or "[one-way]" in outcome.failed
