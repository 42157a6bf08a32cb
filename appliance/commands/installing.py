"""`appliance install`: an installation on hosts, as its description has it."""

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
