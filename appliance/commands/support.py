"""`appliance support`: what a host tells of itself, without secrets and without what people wrote."""

import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.options import ConfigOption, JsonOption, settings_from
from appliance.commands.output import print_json, say
from appliance.foundation import ApplianceError
from appliance.support import FOLDER, Collector, Redactor, look, read_rules, statement
from appliance.support.collect import secrets_here

FolderOption = Annotated[Path, typer.Option("--folder", help="Where attempts are kept.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="What a host tells of itself when something is wrong.", no_args_is_help=True)
    group.command("collect", help="This host's part of a support bundle, redacted; as root.")(collect)
    group.command("egress", help="Who tried to connect to where nothing is allowed; as root.")(egress)
    app.add_typer(group, name="support")


def collect(
    to: Annotated[Path, typer.Option("--to", help="Archive to make.")],
    days: Annotated[int, typer.Option(min=1, max=90, help="So far back goes the journal.")] = 3,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    file = config or Path("/etc/appliance/appliance.toml")
    metrics, token = _metrics(file)
    doctor = (sys.executable, "-m", "appliance", "doctor", "--config", str(file), "--json")
    collector = Collector(file, doctor, metrics, token, days)
    names = collector.write(to, Redactor([*secrets_here(), token]))
    if as_json:
        print_json({"file": str(to), "parts": names})
    else:
        say(f"{len(names)} parts in {to}.")


def egress(folder: FolderOption = FOLDER, as_json: JsonOption = False) -> None:
    """Looks, adds up what was tried since the last look, and says all of it."""
    now, rules = datetime.now(UTC), read_rules()
    told = statement(look(folder, rules, now), rules, socket.gethostname(), now)
    if as_json:
        print_json(told)
        return
    for row in told["attempts"]:
        say(f"{row['user']} → {row['address']} {row['protocol']} {row['port']}: {row['packets']} packets")
    say(told["sentence"])


def _metrics(file: Path) -> tuple[str, str]:
    """Address and token of the gateway's numbers; empty when this host has none, or its settings cannot be used."""
    if not file.is_file():
        return "", ""
    try:
        settings = settings_from(file)
    except ApplianceError:
        return "", ""
    return f"http://{settings.server.host}:{settings.server.port}/metrics", settings.metrics.token
