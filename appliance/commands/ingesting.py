"""`appliance ingest PATH --collection NAME`: upload, follow, and tell what became of each file."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from appliance.commands.client import Api, CallFailed, connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import console, print_json, print_table, say
from appliance.foundation import InvalidInput

ENDED = ("indexed", "partial", "refused")
ABOUT_THE_FILE = (400, 413, 422)
"""Answers to an upload that say something about this file only."""


def ingest(
    path: Annotated[Path, typer.Argument(help="A file or a folder; hidden files are left out.")],
    collection: Annotated[str, typer.Option(help="Name of the collection; made when it is not there.")],
    readers: Annotated[
        list[str] | None, typer.Option("--with", help="For a new collection: everyone, a group's name, an address.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    run(_ingest(path, collection, readers or [], config, as_json))


async def _ingest(path: Path, name: str, readers: list[str], config: Path | None, as_json: bool) -> None:
    async with connect(settings_from(config)) as api:
        results = await take_in(api, path, name, readers, quiet=as_json)
    if as_json:
        print_json(results)
    else:
        _report(results)


async def take_in(api: Api, path: Path, name: str, readers: list[str], *, quiet: bool) -> list[dict[str, Any]]:
    """Send files into a collection and wait until each has ended.

    Returns:
        One entry for each file, by path; a file that could not be sent is `refused` with its reason.

    Raises:
        InvalidInput, CallFailed, NotRunning: nothing more can be sent; what was accepted goes on.
    """
    files = _files(path)
    key = await _collection(api, name, readers)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console(), disable=quiet
    ) as progress:
        sent, refused = await _upload_all(api, key, files, progress)
        found = await _follow(api, key, sent, progress)
    return sorted([*found, *refused], key=lambda r: str(r["path"]))


def _report(results: list[dict[str, Any]]) -> None:
    rows = [(r["path"], r["state"], r["reason"]) for r in results if r["state"] != "indexed"]
    if rows:
        print_table(("file", "state", "reason"), rows)
    counts = Counter(r["state"] for r in results)
    unchanged = sum(r["outcome"] == "unchanged" for r in results)
    say(f"{len(results)} files: " + ", ".join(f"{counts[s]} {s}" for s in ENDED) + f" ({unchanged} were unchanged)")


def _files(path: Path) -> list[tuple[Path, str]]:
    """(file, name within the source). Raises InvalidInput."""
    if path.is_file():
        return [(path, path.name)]
    if not path.is_dir():
        raise InvalidInput(f"{path} is not there.", remedy="Give the path of a file or a folder.")
    found = [
        (file, _readable(file.relative_to(path)))
        for file in sorted(path.rglob("*"))
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not found:
        raise InvalidInput(f"{path} holds no files.", remedy="Give the path of a folder with documents.")
    return found


async def _collection(api: Api, name: str, readers: list[str]) -> str:
    from appliance.commands.knowledge import reader  # noqa: PLC0415 - knowledge registers this command

    for found in await api.call("GET", "/api/collections"):
        if found["name"] == name:
            return str(found["id"])
    wanted = [await reader(api, r) for r in readers]
    made = await api.call("POST", "/api/collections", {"name": name, "readers": wanted})
    return str(made["id"])


def _readable(path: Path) -> str:
    """A file's name need not be text on Linux; what is not becomes a mark."""
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")


async def _upload_all(
    api: Api, key: str, files: list[tuple[Path, str]], progress: Progress
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """(document id → outcome of what was accepted, what was refused at the door). No file keeps another from going."""
    bar = progress.add_task("sending", total=len(files))
    outcomes: dict[str, str] = {}
    refused: list[dict[str, Any]] = []
    for file, name in files:
        try:
            reply = await api.upload(f"/api/collections/{key}/documents", file, name)
            outcomes[reply["document"]["id"]] = reply["outcome"]
        except OSError as error:
            refused.append(_refused(name, f"It cannot be read: {error.strerror}."))
        except CallFailed as error:
            if error.status_given not in ABOUT_THE_FILE:
                raise
            refused.append(_refused(name, error.sentence()))
        progress.advance(bar)
    return outcomes, refused


def _refused(name: str, reason: str) -> dict[str, Any]:
    return {"path": name, "name": name, "state": "refused", "reason": reason, "outcome": "refused"}


async def _follow(api: Api, key: str, outcomes: dict[str, str], progress: Progress) -> list[dict[str, Any]]:
    """Wait until each document has ended; reads the list once more at the end, so nothing depends on a missed event."""
    if not outcomes:
        return []
    bar = progress.add_task("reading", total=len(outcomes))
    ended: set[str] = set()
    async for event, data in api.events("GET", f"/api/collections/{key}/progress"):
        if event == "document" and data["id"] in outcomes and data["state"] in ENDED:
            ended.add(data["id"])
            progress.update(bar, completed=len(ended))
        if event == "idle":
            break
    progress.update(bar, completed=len(outcomes))
    return [{**d, "outcome": outcomes[d["id"]]} for d in await _documents(api, key) if d["id"] in outcomes]


async def _documents(api: Api, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = await api.call("GET", f"/api/collections/{key}/documents?offset={len(found)}&limit=1000")
        found += page["items"]
        if len(found) >= page["total"] or not page["items"]:
            return found
