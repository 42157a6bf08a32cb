"""`appliance access`."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import typer

from appliance.commands.client import Api, connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.foundation import NotFound

UserOption = Annotated[str, typer.Option("--user", help="Address or id of the account.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    access = typer.Typer(help="Why somebody sees something, or why not.", no_args_is_help=True)
    access.command("explain", help="By which way an account sees an object, or why it does not.")(explain)
    access.command("view", help="Which collections an account sees, and by which way.")(view)
    app.add_typer(access, name="access")


def explain(
    user: UserOption,
    document: Annotated[str | None, typer.Option(help="Id of a document.")] = None,
    collection: Annotated[str | None, typer.Option(help="Id or name of a collection.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Id of a conversation.")] = None,
    assistant: Annotated[str | None, typer.Option(help="Id of an assistant.")] = None,
    key: Annotated[str | None, typer.Option(help="Id of a key of the account: what it leaves out, too.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    objects = {"document": document, "collection": collection, "conversation": conversation, "assistant": assistant}
    named = {kind: text for kind, text in objects.items() if text}
    if len(named) != 1:
        raise typer.BadParameter("Name one: --document, --collection, --conversation or --assistant.")
    told = run(_explain(config, {"user": user} | named | ({"key": key} if key else {})))
    if as_json:
        print_json(told)
        return
    say(told["sentence"])
    for line in (*told["ways"], *told["limits"]):
        say(f"  {line['sentence']}")
    if told["readers"]:
        say(f"Read by: {', '.join(told['readers'])}")


def view(user: UserOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    seen = run(_call(config, f"/api/access/view?{urlencode({'user': user})}"))
    if as_json:
        print_json(seen)
        return
    rows = [(s["name"], "yes" if s["visible"] else "no", " ".join(w["sentence"] for w in s["ways"])) for s in seen]
    print_table(("collection", "visible", "by which way"), rows)


async def _explain(config: Path | None, asked: dict[str, str]) -> Any:
    async with connect(settings_from(config)) as api:
        if "collection" in asked:
            asked["collection"] = await _collection_id(api, asked["collection"], asked["user"])
        return await api.call("GET", f"/api/access/explain?{urlencode(asked)}")


async def _collection_id(api: Api, text: str, user: str) -> str:
    """Names are looked for among all collections, also those that the command line itself does not read."""
    try:
        return str(UUID(text))
    except ValueError:
        for seen in await api.call("GET", f"/api/access/view?{urlencode({'user': user})}"):
            if seen["name"] == text:
                return str(seen["id"])
    raise NotFound(f"There is no collection '{text}'.", remedy="'appliance access view --user …' lists them.")


async def _call(config: Path | None, path: str) -> Any:
    async with connect(settings_from(config)) as api:
        return await api.call("GET", path)
