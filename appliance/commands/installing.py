"""`appliance install`, `upgrade`, `rollback` and `drain`: an installation on hosts, as its description has it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.commands.options import JsonOption
from appliance.commands.output import print_json, say

if TYPE_CHECKING:
    from appliance.operations import Outcome, Progress

DescriptionOption = Annotated[Path, typer.Option("-i", "--inventory", help="The description: installation.yml.")]
BundleOption = Annotated[Path, typer.Option(help="Folder of the bundle, at the same place here and on every host.")]
SignersOption = Annotated[
    Path,
    typer.Option(
        "--signers", "--allowed-signers", help="Keys to believe, as ssh-keygen reads them; not from the bundle."
    ),
]
PlaybooksOption = Annotated[Path | None, typer.Option(help="Folder of other playbooks than the bundle's.")]
CheckOption = Annotated[bool, typer.Option("--check", help="Say what would change, and change nothing.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("install", help="Bring hosts to what a description says; safe to repeat.")(install)
    app.command("upgrade", help="Bring hosts to a newer release that proves itself, or is taken back.")(upgrade)
    app.command("rollback", help="Bring hosts back to the release before, with the data of now.")(rollback)
    app.command("drain", help="Take a host out for maintenance without a failed request, or bring it back.")(drain)


def install(
    description: DescriptionOption,
    bundle: BundleOption,
    signers: SignersOption,
    playbooks: PlaybooksOption = None,
    check: CheckOption = False,
    as_json: JsonOption = False,
) -> None:
    _show(ask_for("install", description, bundle, signers, playbooks, {}, check=check, quiet=as_json), as_json)


def ask_for(
    name: str,
    description: Path,
    bundle: Path,
    signers: Path,
    playbooks: Path | None,
    variables: Mapping[str, Any],
    *,
    check: bool = False,
    quiet: bool = False,
) -> "Outcome":
    """One operation, with its progress on the screen unless it shall be quiet. Raises what `operate` raises."""
    from appliance.operations import Operation, operate  # noqa: PLC0415 - the gateway's commands need none of it

    operation = Operation(name, description, bundle, signers, playbooks, check, variables)
    return operate(operation, _quiet if quiet else _tell)


def upgrade(
    description: DescriptionOption,
    bundle: BundleOption,
    signers: SignersOption,
    playbooks: PlaybooksOption = None,
    check: Annotated[bool, typer.Option("--check", help="Only look whether it may begin.")] = False,
    one_way: Annotated[
        bool, typer.Option(help="Take a release that takes something away from the database: no rollback after it.")
    ] = False,
    own_checkpoint: Annotated[
        bool, typer.Option(help="The index is on a server, and a snapshot of everything was taken by other means.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Exit code 1 when it did not begin, or was taken back: the error says which, and why."""
    from appliance.operations import Operation  # noqa: PLC0415 - as above
    from appliance.operations import upgrade as begin  # noqa: PLC0415

    variables = {"upgrade_one_way": one_way, "upgrade_own_checkpoint": own_checkpoint}
    operation = Operation("upgrade", description, bundle, signers, playbooks, check, variables)
    _show(begin(operation, _quiet if as_json else _tell), as_json)


def rollback(
    description: DescriptionOption,
    bundle: BundleOption,
    signers: SignersOption,
    playbooks: PlaybooksOption = None,
    as_json: JsonOption = False,
) -> None:
    from appliance.operations import Operation  # noqa: PLC0415 - as above
    from appliance.operations import rollback as begin  # noqa: PLC0415

    operation = Operation("rollback", description, bundle, signers, playbooks)
    _show(begin(operation, _quiet if as_json else _tell), as_json)


def drain(
    description: DescriptionOption,
    bundle: BundleOption,
    signers: SignersOption,
    host: Annotated[str, typer.Option(help="Its name in the description.")],
    undo: Annotated[bool, typer.Option("--undo", help="Bring it back.")] = False,
    playbooks: PlaybooksOption = None,
    as_json: JsonOption = False,
) -> None:
    from appliance.operations import Operation  # noqa: PLC0415 - as above
    from appliance.operations import drain as begin  # noqa: PLC0415

    operation = Operation("drain", description, bundle, signers, playbooks)
    _show(begin(operation, host, _quiet if as_json else _tell, undo=undo), as_json)


def _quiet(progress: "Progress") -> None:
    """With `--json` only the end is told."""


def _tell(progress: "Progress") -> None:
    where = f" ({progress.host})" if progress.host else ""
    mark = {
        "play": "==",
        "verified": "  =",
        "notice": "  >",
        "changed": "  *",
        "failed": "  !",
        "unreachable": "  !",
    }.get(progress.kind)
    if mark is not None:
        say(f"{progress.after_s:7.1f} s {mark} {progress.text}{where}")


def _show(outcome: "Outcome", as_json: bool) -> None:
    if as_json:
        print_json({"ok": outcome.ok, "changed": outcome.changed, "changes": outcome.changes, "plays": outcome.plays_s})
        return
    tell_phases(outcome)
    say(f"\nDone; {outcome.changed} changes.")


def tell_phases(outcome: "Outcome") -> None:
    say("\ntime by phase")
    for play, seconds in outcome.plays_s.items():
        say(f"{seconds:7.1f} s  {play}")
