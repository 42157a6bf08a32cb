"""`appliance audit`: what was done, and whether the record of it is whole."""

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer

from appliance.audit.findings import Report
from appliance.audit.verify import verify as look
from appliance.commands.client import connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.configuration import audit_settings, storage_settings
from appliance.foundation import InvalidInput
from appliance.settings import Settings
from appliance.storage import Database

Form = Literal["jsonl", "ocsf"]
ActorOption = Annotated[str | None, typer.Option(help="Only what somebody did, as 'user:ID'.")]
ActionOption = Annotated[str | None, typer.Option(help="Only one act, as 'key.revoked', or 'key.' for all about keys.")]
FirstOption = Annotated[str | None, typer.Option(help="From this moment on, as 2026-11-01 or 2026-11-01T08:00:00Z.")]
LastOption = Annotated[str | None, typer.Option(help="Before this moment.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    audit = typer.Typer(help="Who did what, and whether the record of it is whole.", no_args_is_help=True)
    audit.command("list", help="Events, newest first.")(list_events)
    audit.command("verify", help="Hold the database against the signed checkpoints; exit code 1 when it was bent.")(
        verify
    )
    audit.command("export", help="Write all events to a file or to standard output, one JSON object a line.")(export)
    audit.command("accept", help="Answer for a chain that went back, as after a backup was put back.")(accept)
    audit.command("checkpoint", help="Sign how far the chain is, now.")(checkpoint)
    app.add_typer(audit, name="audit")


def list_events(
    actor: ActorOption = None,
    action: ActionOption = None,
    about: Annotated[str | None, typer.Option("--object", help="Only what was done to one thing.")] = None,
    outcome: Annotated[Literal["done", "denied", "failed"] | None, typer.Option(help="Only these.")] = None,
    first: FirstOption = None,
    last: LastOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    asked = {
        "actor": actor,
        "action": action,
        "object": about,
        "outcome": outcome,
        "first": _moment(first),
        "last": _moment(last),
        "limit": str(limit),
    }
    found = run(_call(config, "GET", f"/api/audit?{_query(asked)}"))
    if as_json:
        print_json(found)
        return
    columns = ("seq", "at", "actor", "action", "object", "outcome", "source")
    print_table(columns, [[str(item[c]) for c in columns] for item in found["items"]])


def verify(
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option(help="Folder with checkpoints; once for each gateway. Default: the one of the settings."),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="Public key to believe, in the order of the folders. Default: the one in the folder."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    settings = settings_from(config)
    report = run(_look(settings, checkpoints or [audit_settings(settings).folder], key or []))
    if as_json:
        print_json(report)
    else:
        _tell(report)
    if not report.is_whole:
        raise SystemExit(1)


def export(
    form: Annotated[Form, typer.Option("--format", help="Events as they are, or in OCSF.")] = "jsonl",
    output: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    actor: ActorOption = None,
    action: ActionOption = None,
    first: FirstOption = None,
    last: LastOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    asked = {"format": form, "actor": actor, "action": action, "first": _moment(first), "last": _moment(last)}
    count = run(_export(config, f"/api/audit/export?{_query(asked)}", output))
    if as_json and output is not None:
        print_json({"events": count, "file": str(output)})
    elif output is not None:
        say(f"{count} events in {output}.")


def accept(
    reason: Annotated[str, typer.Option(help="Why; it is kept in the audit.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    made = run(_call(config, "POST", "/api/audit/accept", {"reason": reason}))
    if as_json:
        print_json(made)
        return
    say(f"Accepted: event {made['seq']}, hash {made['hash']}. Checkpoints of before do not count any more.")


def checkpoint(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    made = run(_call(config, "POST", "/api/audit/checkpoint"))
    if as_json:
        print_json(made)
        return
    say(f"Checkpoint {made['number']}: event {made['seq']}, hash {made['hash']}.")


def _tell(report: Report) -> None:
    for finding in report.findings:
        say(f"{finding.kind}: {finding.sentence}")
    if report.is_whole:
        say(f"The audit is whole: events {report.first_seq} to {report.last_seq}, {report.checkpoints} checkpoints.")
    for moment in report.accepted:
        say(f"At {moment} somebody answered for a chain that had gone back; see the event 'audit.accepted'.")
    open_end = report.last_seq - report.covered_through
    if open_end > 0:
        say(f"The last {open_end} events are newer than the last checkpoint; they are chained, and not signed yet.")
    for public_key in report.public_keys:
        say(f"Key of the checkpoints: {public_key}. Compare it with the one that you noted at the first start.")
    say(f"{report.events} events in {report.seconds:.1f} s.")


async def _look(settings: Settings, folders: list[Path], keys: list[str]) -> Report:
    database = Database(storage_settings(settings))
    try:
        return await look(database, folders, keys)
    finally:
        await database.close()


async def _call(config: Path | None, method: str, path: str, body: Any = None) -> Any:
    async with connect(settings_from(config)) as api:
        return await api.call(method, path, body)


async def _export(config: Path | None, path: str, output: Path | None) -> int:
    """Lines that were written."""
    count = 0
    async with connect(settings_from(config)) as api:
        with output.open("wb") if output is not None else nullcontext(sys.stdout.buffer) as file:
            async for chunk in api.bytes("GET", path):
                file.write(chunk)
                count += chunk.count(b"\n")
    return count


def _query(asked: dict[str, str | None]) -> str:
    return urlencode({name: value for name, value in asked.items() if value is not None})


def _moment(text: str | None) -> str | None:
    """A day is its first moment, and without a zone it is UTC. Raises InvalidInput."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"'{text}' is no moment.", remedy="Write it as 2026-11-01T08:00:00Z.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
