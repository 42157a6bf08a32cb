"""`appliance restore`, `backup take` and `backup rehearse`: backups of an installation, from the control machine."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.commands.installing import (
    BundleOption,
    DescriptionOption,
    PlaybooksOption,
    SignersOption,
    ask_for,
    tell_phases,
)
from appliance.commands.options import JsonOption
from appliance.commands.output import print_json, say

if TYPE_CHECKING:
    from appliance.operations import Outcome

IdentityOption = Annotated[
    Path | None,
    typer.Option(help="age key that opens the secrets; default: the one beside the secrets, when it is still there."),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("restore", help="Bring empty hosts to a description, with a backup put back first.")(restore)


def register_backup(group: typer.Typer) -> None:
    """Add those that belong to the group `backup`."""
    group.command("take", help="From the control machine: a backup on the hosts, now; bring it here with --to.")(take)
    group.command("rehearse", help="From the control machine: a restore beside the running appliance, on its host.")(
        rehearse
    )


def take(
    description: DescriptionOption,
    bundle: BundleOption,
    signers: SignersOption,
    to: Annotated[Path | None, typer.Option("--to", help="Folder here to bring it to, as one file.")] = None,
    playbooks: PlaybooksOption = None,
    as_json: JsonOption = False,
) -> None:
    from appliance.operations import keep  # noqa: PLC0415 - the gateway's commands need none of it

    variables = {}
    if to is not None:
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        variables["backup_to"] = str(to.absolute())
    outcome = ask_for("backup", description, bundle, signers, playbooks, variables, quiet=as_json)
    made = dict(outcome.report["backup"])
    if to is not None:
        archive = to / f"backup-{made['id']}.tar"
        made |= {"file": str(archive), "control": str(keep(description, archive))}
    if as_json:
        print_json(made | {"plays": outcome.plays_s})
        return
    tell_phases(outcome)
    say(f"\nMade: {made['id']}, {made['size_bytes'] / 1e6:.1f} MB. The next one by itself: {made['next'] or 'never'}.")
    if made["left_out"]:
        say(f"NOT IN IT: {', '.join(made['left_out'])}.")
    if to is not None:
        say(f"Here: {made['file']}, and {made['control']} with this machine's secrets, sealed.")


def restore(
    description: DescriptionOption,
    bundle: BundleOption,
    signers: SignersOption,
    source: Annotated[
        Path | None, typer.Option("--from", help="Packed backup here; default: one in the host's folder of backups.")
    ] = None,
    backup_id: Annotated[str, typer.Option("--backup", help="Which of the host's folder; default: the newest.")] = "",
    identity: IdentityOption = None,
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="Give data that are there another name, instead of stopping.")
    ] = False,
    playbooks: PlaybooksOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exit code 1 when the restored appliance does something worse than at the backup."""
    from appliance.operations import refuse_without, take_back  # noqa: PLC0415 - the gateway's commands need none of it

    began, now = time.monotonic(), datetime.now(UTC)
    key = identity or _own_key(description)
    if source is not None and key is not None:
        brought = take_back(description, source, key)
        if brought and not as_json:
            say(f"Taken from beside the backup: {', '.join(sorted(brought))}.")
    refuse_without(description)
    variables = {
        "restore_archive": str(source.absolute()) if source else "",
        "restore_backup_id": backup_id,
        "restore_identity": str(key.absolute()) if key else "",
        "restore_set_aside": set_aside,
    }
    outcome = ask_for("restore", description, bundle, signers, playbooks, variables, quiet=as_json)
    done: dict[str, Any] = {**outcome.report["restored"], "proved": outcome.report["proved"]}
    done |= {"worse": outcome.report["worse"], "rto_s": round(time.monotonic() - began, 1), "plays": outcome.plays_s}
    done["rpo_s"] = round((now - datetime.fromisoformat(done["point"])).total_seconds(), 1)
    if as_json:
        print_json(done)
    else:
        _tell_restored(done, outcome)
    if done["worse"]:
        raise SystemExit(1)


def _tell_restored(done: dict[str, Any], outcome: "Outcome") -> None:
    tell_phases(outcome)
    say(f"\nRestored {done['id']}: {done['rows']} rows, {done['files']} files, nothing differs from the backup.")
    for name in done["set_aside"]:
        say(f"Set aside: {name}.")
    if done["left_out"]:
        say(f"NOT IN IT: {', '.join(done['left_out'])}.")
    for sentence in done["worse"]:
        say(sentence)
    if not done["proved"]:
        say("Nothing was recorded at the backup, so it was not compared how the appliance works.")
    elif not done["worse"]:
        say("The appliance does what it did at the backup.")
    say(f"RPO {done['rpo_s']:.0f} s (age of the point), RTO {done['rto_s']:.0f} s (from the command to compared).")


def rehearse(
    description: DescriptionOption,
    bundle: BundleOption,
    signers: SignersOption,
    identity: IdentityOption = None,
    backup_id: Annotated[str, typer.Option("--backup", help="Which; default: the newest.")] = "",
    question: Annotated[str, typer.Option(help="Golden question to ask what was restored.")] = "",
    expect: Annotated[str, typer.Option(help="Words that the answer must have.")] = "",
    playbooks: PlaybooksOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exit code 1 when anything differs."""
    key = identity or _own_key(description)
    variables = {
        "rehearse_backup_id": backup_id,
        "rehearse_identity": str(key.absolute()) if key else "",
        "rehearse_question": question,
        "rehearse_expect": expect,
    }
    found = ask_for("rehearse", description, bundle, signers, playbooks, variables, quiet=as_json).report["drill"]
    if as_json:
        print_json(found)
    else:
        for sentence in found["differences"]:
            say(sentence)
        say(
            f"{found['backup']}: {found['rows']} rows, {found['files']} files, {len(found['differences'])} differences."
        )
        say(f"RPO {found['rpo_s']:.0f} s, RTO {found['rto_s']:.1f} s. {found['answer']}")
    if found["differences"]:
        raise SystemExit(1)


def _own_key(description: Path) -> Path | None:
    from appliance.installation import load  # noqa: PLC0415 - the gateway's commands need none of it
    from appliance.operations import IDENTITY  # noqa: PLC0415

    key = description.absolute().parent / load(description).secrets_dir / IDENTITY
    return key if key.exists() else None
