"""`appliance up`, `serve`, `worker`, `migrate` and `doctor`."""

import asyncio
import time
from typing import Annotated

import typer

from appliance.app import Parts, build_parts
from appliance.commands import doctor
from appliance.commands.folders import prepare_folders
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, say
from appliance.commands.process import (
    FirstStart,
    bound_socket,
    first_administrator,
    run_for_long,
    serve,
    sole_owner,
    work,
)
from appliance.configuration import storage_settings
from appliance.foundation import InvalidInput, configure_logging, tell_lost_errors
from appliance.migrations import MigrationPlan, migrate, plan
from appliance.settings import Settings
from appliance.storage import Database


class WorkerAlone(InvalidInput):
    """SQLite and the embedded index belong to one process."""

    code = "worker_alone"
    remedy = "Set them, or leave the worker out: 'appliance up' and 'serve' take in documents themselves."


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("up", help="Run everything on this machine: chat, API, search and engines.")(up)
    app.command("serve", help="Run the gateway; accounts must exist, engines as configured.")(serve_only)
    app.command("worker", help="Take in documents beside a gateway; needs PostgreSQL and a Qdrant server.")(worker)
    app.command("migrate", help="Bring the database to this release's schema, and end.")(migrate_only)
    app.command("doctor", help="Check this machine and this installation; each finding with its remedy.")(doctor.doctor)


def up(config: ConfigOption = None) -> None:
    settings = settings_from(config)
    run_for_long(_up(settings, first_start=True))


def serve_only(config: ConfigOption = None) -> None:
    settings = settings_from(config)
    run_for_long(_up(settings, first_start=False))


def worker(config: ConfigOption = None) -> None:
    settings = settings_from(config)
    missing = [
        key for key, url in (("database.url", settings.database.url), ("index.url", settings.index.url)) if not url
    ]
    if missing:
        raise WorkerAlone(f"A worker beside the gateway needs {' and '.join(missing)}.")
    run_for_long(_worker(settings))


def migrate_only(
    only_plan: Annotated[bool, typer.Option("--plan", help="Say what would be done, and change nothing.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Before new gateways start, so that a failure is seen while the old ones still serve. Safe to repeat.

    With --plan, exit code 1 when this release cannot work with the database.
    """
    settings = settings_from(config)
    prepare_folders(settings)
    found = run(_migrate(settings, only_plan=only_plan))
    if as_json:
        print_json(found)
    elif only_plan:
        for step in found.steps:
            say(f"{step.revision}  {step.says}{' Takes something away: no way back.' if step.contracts else ''}")
        say("This release can work with it." if found.works else "This release cannot work with it.")
    else:
        say("The database has this release's schema.")
    if not found.works:
        raise SystemExit(1)


async def _migrate(settings: Settings, *, only_plan: bool) -> MigrationPlan:
    database = Database(storage_settings(settings))
    try:
        if not only_plan:
            await migrate(database)
        return await plan(database)
    finally:
        await database.close()


async def _worker(settings: Settings) -> None:
    configure_logging(settings.log_level)
    tell_lost_errors(asyncio.get_running_loop())
    prepare_folders(settings)
    with sole_owner(settings, "worker.lock"):
        parts = build_parts(settings, worker=True)
        await migrate(parts.database)
        say(f"Private Model Appliance, worker\n  data    {settings.data}\nTaking in documents.")
        await work(parts)
    say("Stopped.")


async def _up(settings: Settings, *, first_start: bool) -> None:
    configure_logging(settings.log_level)
    tell_lost_errors(asyncio.get_running_loop())
    prepare_folders(settings)
    started = time.monotonic()
    with sole_owner(settings), bound_socket(settings) as address:
        parts = build_parts(settings)
        say(f"Private Model Appliance\n  data    {settings.data}\n  logs    {settings.log_dir}")
        await migrate(parts.database)
        first = await first_administrator(parts) if first_start else FirstStart("", made=False)
        _announce_administrator(first)
        await serve(parts, first, address, announce=lambda: _announce_engines(parts, started))
    say("Stopped.")


def _announce_administrator(first: FirstStart) -> None:
    if first.administrator:
        say(f"  admin   {first.administrator}")
    if first.password is not None:
        say(f"          password {first.password} (shown once)")


async def _announce_engines(parts: Parts, started: float) -> None:
    """Say what is being waited for, until everything is ready."""
    say(f"  web     {parts.settings.url}\n  api     {parts.settings.url}/v1\nListening; the engines are starting.")
    waiting = {facts.model_id for facts in parts.engines.list_facts()}
    while waiting:
        for facts in parts.engines.list_facts():
            if facts.model_id in waiting and facts.ready:
                waiting.discard(facts.model_id)
                say(f"  engine  {facts.model_id} ready after {time.monotonic() - started:.0f} s")
        await asyncio.sleep(0.2)
    say(f"Ready after {time.monotonic() - started:.0f} s: {parts.settings.url}")
