"""`appliance diagnose`: a support bundle of all hosts, and who on them tried to get out."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.installing import BundleOption, DescriptionOption, PlaybooksOption, SignersOption, ask_for
from appliance.commands.options import JsonOption
from appliance.commands.output import print_json, say
from appliance.foundation import ApplianceError


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("diagnose", help="Gather what hosts tell, redacted there, into one file; and who tried to get out.")(
        diagnose
    )


def diagnose(
    description: DescriptionOption,
    bundle: BundleOption,
    signers: SignersOption,
    to: Annotated[Path, typer.Option("--to", help="Folder here for the file.")] = Path(),
    days: Annotated[int, typer.Option(min=1, max=90, help="So far back goes the journal.")] = 3,
    playbooks: PlaybooksOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exit code 1 when a host told nothing, or refuses nothing."""
    from appliance.operations import OperationFailed, gather  # noqa: PLC0415 - the gateway's commands need none of it

    failed: ApplianceError | None = None
    with tempfile.TemporaryDirectory(prefix="appliance-support-") as folder:
        variables = {"support_to": folder, "support_days": days}
        try:
            ask_for("diagnose", description, bundle, signers, playbooks, variables, quiet=as_json)
        except OperationFailed as error:  # what the other hosts told counts all the same
            failed = error
        found = gather(description, Path(folder), to)
    if as_json:
        print_json({"file": str(found.file), "missing": list(found.missing), "egress": found.statements})
    else:
        for host, told in found.statements.items():
            say(f"{host}: {told['sentence']}")
            for row in told["attempts"]:
                say(f"    {row['user']} → {row['address']} {row['protocol']} {row['port']}, {row['packets']} packets")
        for host in found.missing:
            say(f"{host} TOLD NOTHING, or not all.")
        if failed is not None:
            say(failed.message)
        say(f"Gathered in {found.file}. Look into it before you send it on.")
    if found.missing or not all(told["denied_by_default"] for told in found.statements.values()):
        raise SystemExit(1)
