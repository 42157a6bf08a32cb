"""`appliance ingest`, `ask`, `search` and `collections`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.commands.client import Api, connect
from appliance.commands.ingesting import ingest
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import console, print_json, print_table, say
from appliance.foundation import ApplianceError, NotFound

CollectionsOption = Annotated[
    list[str] | None, typer.Option("--collection", help="Ask only this collection; repeatable.")
]


class AnswerFailedError(ApplianceError):
    """The answer broke off; its own words follow."""

    code = "answer_failed"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("ingest", help="Take documents into a collection and wait until each has ended.")(ingest)
    app.command("ask", help="Ask a question and get an answer with its sources.")(ask)
    app.command("search", help="Find passages.")(search)
    group = typer.Typer(help="Bodies of documents and who may read them.", no_args_is_help=True)
    group.command("list", help="Collections that you may read.")(list_collections)
    group.command("share", help="Let somebody read a collection.")(share)
    group.command("delete", help="Delete a collection and all its documents.")(delete_collection)
    app.add_typer(group, name="collections")


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    assistant: Annotated[str | None, typer.Option(help="Id of an assistant; default: the documents.")] = None,
    collection: CollectionsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    run(_ask(question, assistant, collection, config, as_json))


async def _ask(
    question: str, assistant: str | None, names: list[str] | None, config: Path | None, as_json: bool
) -> None:
    async with connect(settings_from(config)) as api:
        body: dict[str, Any] = {"question": question, "assistant_id": assistant}
        if names:
            body["collection_ids"] = [await collection_id(api, name) for name in names]
        out = console()
        shown = ""
        async for event, data in api.events("POST", "/api/ask", body):
            if event == "failed":
                raise AnswerFailedError(data["message"])
            if event == "token" and not as_json:
                out.print(data["text"], end="", markup=False)
                shown += data["text"]
            if event == "finished" and as_json:
                print_json(data)
            elif event == "finished":
                _print_rest(data, shown)


def _print_rest(finished: dict[str, Any], shown: str) -> None:
    if not shown:
        say(finished["text"])
    else:
        say("")
    for citation in finished["citations"]:
        page = f", page {citation['page']}" if citation["page"] else ""
        say(f"\n[{citation['number']}] {citation['document_name']}{page} ({citation['collection_name']})")
        say(f"    “{citation['quote']}”")


def search(
    query: Annotated[str, typer.Argument(help="Words to look for.")],
    collection: CollectionsOption = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="Most passages to show.")] = 5,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    run(_search(query, collection, limit, config, as_json))


async def _search(query: str, names: list[str] | None, limit: int, config: Path | None, as_json: bool) -> None:
    async with connect(settings_from(config)) as api:
        body: dict[str, Any] = {"query": query, "limit": limit}
        if names:
            body["collection_ids"] = [await collection_id(api, name) for name in names]
        found = await api.call("POST", "/api/search", body)
    if as_json:
        print_json(found)
        return
    for item in found["items"]:
        page = f", page {item['page']}" if item["page"] else ""
        say(f"{item['document']['name']}{page} ({item['collection']['name']})")
        say("    " + " ".join(item["text"].split())[:300] + "\n")
    if not found["items"]:
        say("Nothing was found.")


def list_collections(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    run(_list_collections(config, as_json))


async def _list_collections(config: Path | None, as_json: bool) -> None:
    async with connect(settings_from(config)) as api:
        found = await api.call("GET", "/api/collections")
    if as_json:
        print_json(found)
        return
    rows = [
        (c["name"], str(c["counts"]["total"]), str(c["counts"]["refused"]), ", ".join(map(_reader, c["readers"])))
        for c in found
    ]
    print_table(("collection", "documents", "refused", "readers"), rows)


def share(
    name: Annotated[str, typer.Argument(help="Name of the collection.")],
    readers: Annotated[list[str], typer.Option("--with", help="everyone, a group's name or a user's e-mail address.")],
    config: ConfigOption = None,
) -> None:
    run(_share(name, readers, config))


async def _share(name: str, readers: list[str], config: Path | None) -> None:
    async with connect(settings_from(config)) as api:
        key = await collection_id(api, name)
        present = (await api.call("GET", f"/api/collections/{key}"))["readers"]
        wanted = [{"kind": r["kind"], "id": r.get("id")} for r in present]
        wanted += [await reader(api, r) for r in readers]
        await api.call("PATCH", f"/api/collections/{key}", {"readers": wanted})
    say(f"'{name}' can now be read by {', '.join(readers)} too.")


def delete_collection(
    name: Annotated[str, typer.Argument(help="Name of the collection.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    if not yes:
        typer.confirm(f"Delete '{name}' and all its documents?", abort=True)
    run(_delete_collection(name, config))


async def _delete_collection(name: str, config: Path | None) -> None:
    async with connect(settings_from(config)) as api:
        await api.call("DELETE", f"/api/collections/{await collection_id(api, name)}")
    say(f"'{name}' is gone.")


async def collection_id(api: Api, name: str) -> str:
    """Raises NotFound."""
    for collection in await api.call("GET", "/api/collections"):
        if collection["name"] == name:
            return str(collection["id"])
    raise NotFound(f"There is no collection '{name}'.", remedy="'appliance collections list' shows them.")


async def reader(api: Api, text: str) -> dict[str, str]:
    """`everyone`, a group's name or a user's address. Raises NotFound."""
    if text == "everyone":
        return {"kind": "everyone"}
    for group in await api.call("GET", "/api/groups"):
        if group["name"] == text:
            return {"kind": "group", "id": group["id"]}
    for user in await api.call("GET", "/api/users"):
        if user["email"] == text.lower():
            return {"kind": "user", "id": user["id"]}
    raise NotFound(f"There is no group or user '{text}'.", remedy="'appliance users list' shows them.")


def _reader(found: dict[str, Any]) -> str:
    return "everyone" if found["kind"] == "everyone" else str(found.get("name") or found["kind"])
