"""`appliance start` and `stop`: `appliance up` in the background, for a machine without a service manager."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.client import connect
from appliance.commands.folders import prepare_folders
from appliance.commands.ingesting import take_in
from appliance.commands.options import ConfigOption, run, settings_from
from appliance.commands.output import say
from appliance.commands.process import is_held
from appliance.foundation import ApplianceError
from appliance.settings import Settings

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "documents"
SAMPLES_COLLECTION = "Samples"
READY_TIMEOUT_S = 600
STOP_TIMEOUT_S = 60


class StartFailedError(ApplianceError):
    """The appliance ended, or was not ready in time."""

    code = "start_failed"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("start", help="Run everything in the background and wait until it is ready.")(start)
    app.command("stop", help="Stop what 'start' or 'up' runs on this data folder.")(stop)


def start(
    samples: Annotated[bool, typer.Option("--samples", help="Take in the sample documents if there are none.")] = False,
    config: ConfigOption = None,
) -> None:
    settings = settings_from(config)
    prepare_folders(settings)
    password = "" if settings.admin.password else secrets.token_urlsafe(max(12, settings.identity.password_min_length))
    if is_held(settings):
        say(f"The appliance runs already: {settings.url}")
        password = ""
    else:
        process = _spawn(settings, config, password)
        _follow(settings, process)
    run(_welcome(settings, password, samples=samples))


def stop(config: ConfigOption = None) -> None:
    settings = settings_from(config)
    try:
        pid = int(json.loads(settings.operator_file.read_text(encoding="utf-8"))["pid"])
    except (OSError, ValueError, KeyError):
        pid = 0
    if not pid or not is_held(settings):
        say(f"No appliance runs on {settings.data}.")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while is_held(settings):
        if time.monotonic() > deadline:
            raise StartFailedError(
                f"Process {pid} has not ended within {STOP_TIMEOUT_S} s.", remedy=f"Read {_log_file(settings)}."
            )
        time.sleep(0.1)
    say("Stopped. Its data stay in " + str(settings.data))


def _spawn(settings: Settings, config: Path | None, password: str) -> "subprocess.Popen[bytes]":
    """The process outlives this command: a session of its own, nothing of this terminal."""
    command = [sys.executable, "-m", "appliance", "up", *(["--config", str(config.absolute())] if config else [])]
    environment = dict(os.environ) | ({"APPLIANCE_ADMIN_PASSWORD": password} if password else {})
    with os.fdopen(os.open(_log_file(settings), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=settings.data,
            env=environment,
        )


def _follow(settings: Settings, process: "subprocess.Popen[bytes]") -> None:
    """Show what the process says until it is ready. Raises StartFailedError."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    shown = ""
    with _log_file(settings).open(encoding="utf-8", errors="replace") as log:
        log.seek(0, os.SEEK_END)
        while time.monotonic() < deadline:
            line = log.readline()
            if line:
                shown = line.rstrip() or shown
                if not line.startswith("timestamp="):  # the log's own lines stay in the log
                    say(line.rstrip())
                if line.startswith("Ready after"):
                    return
            elif process.poll() is not None:
                raise StartFailedError(f"The appliance ended: {shown}", remedy=f"Read {_log_file(settings)}.")
            else:
                time.sleep(0.1)
    raise StartFailedError(
        f"Not ready within {READY_TIMEOUT_S} s: {shown}",
        remedy=f"Read {_log_file(settings)} and the engines' logs beside it.",
    )


async def _welcome(settings: Settings, password: str, *, samples: bool) -> None:
    async with connect(settings) as api:
        if samples and SAMPLES.is_dir() and not await api.call("GET", "/api/collections"):
            await asyncio.to_thread(say, f"Taking in the sample documents (collection '{SAMPLES_COLLECTION}').")
            await take_in(api, SAMPLES, SAMPLES_COLLECTION, ["everyone"], quiet=True)
    note = json.loads(settings.operator_file.read_text(encoding="utf-8"))
    say(f"\n  open      {settings.url}")
    say(f"  log in    {note['administrator']}")
    if password and note["first_start"]:
        say(f"  password  {password}   (shown once)")
    else:
        say("  password  as you chose it; 'appliance users password' sets a new one")
    say(f"  api       {settings.url}/v1   ('appliance keys create' makes a key)")
    say(f"  data      {settings.data}")
    say(f"  log       {_log_file(settings)}\n")


def _log_file(settings: Settings) -> Path:
    return settings.log_dir / "appliance.log"
