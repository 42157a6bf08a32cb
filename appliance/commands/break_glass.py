"""`appliance break-glass`: reading another person's conversations, for a reason, with a second person."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from appliance.commands.client import connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.foundation import NotFound

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="Id of the request.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    glass = typer.Typer(
        help="Read another person's conversations: with a reason, a second person, a time and a notice to them.",
        no_args_is_help=True,
    )
    glass.command("list", help="All requests, newest first.")(list_requests)
    glass.command("ask", help="Ask; somebody else must approve.")(ask)
    glass.command("approve", help="Approve somebody else's request; the time runs from now on.")(approve)
    glass.command("refuse", help="Refuse somebody else's request.")(refuse)
    glass.command("end", help="End an approved request before its time.")(end)
    glass.command("read", help="List the person's conversations, or show one.")(read)
    app.add_typer(glass, name="break-glass")


def list_requests(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    found = run(_call(config, "GET", "/api/break-glass"))
    if as_json:
        print_json(found)
        return
    columns = ("id", "state", "person", "asked_by", "decided_by", "minutes", "until", "reason")
    print_table([c.replace("_", " ") for c in columns], [[str(r[c] or "") for c in columns] for r in found])


def ask(
    person: Annotated[str, typer.Argument(help="Address of the person.")],
    reason: Annotated[str, typer.Option(help="Why; the person will read it.")],
    minutes: Annotated[int, typer.Option(min=5, max=480, help="How long, from the approval on.")] = 60,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    _tell(run(_ask(config, person, reason, minutes)), as_json)


def approve(request: RequestArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    _tell(run(_call(config, "POST", f"/api/break-glass/{quote(request, safe='')}/approve")), as_json)


def refuse(request: RequestArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    _tell(run(_call(config, "POST", f"/api/break-glass/{quote(request, safe='')}/refuse")), as_json)


def end(request: RequestArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    _tell(run(_call(config, "POST", f"/api/break-glass/{quote(request, safe='')}/end")), as_json)


def read(
    request: RequestArgument,
    conversation: Annotated[str | None, typer.Argument(help="Id of one; without it, their titles.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    path = f"/api/break-glass/{quote(request, safe='')}/conversations"
    if conversation is not None:
        path += f"/{quote(conversation, safe='')}"
    found = run(_call(config, "GET", path))
    if as_json:
        print_json(found)
    elif conversation is None:
        print_table(("id", "title", "updated"), [(c["id"], c["title"], c["updated_at"]) for c in found])
    else:
        for turn in found["turns"]:
            say(f"[{turn['created_at']}] {turn['question']}\n\n{turn['answer']}\n")


def _tell(request: Any, as_json: bool) -> None:
    if as_json:
        print_json(request)
        return
    until = f", until {request['until']}" if request["until"] else ""
    say(f"{request['id']}: {request['state']}{until}.")


async def _call(config: Path | None, method: str, path: str) -> Any:
    async with connect(settings_from(config)) as api:
        return await api.call(method, path)


async def _ask(config: Path | None, person: str, reason: str, minutes: int) -> Any:
    async with connect(settings_from(config)) as api:
        for found in await api.call("GET", "/api/users"):
            if person.strip().lower() in (found["email"], found["id"]):
                body = {"person_id": found["id"], "reason": reason, "minutes": minutes}
                return await api.call("POST", "/api/break-glass", body)
    raise NotFound(f"There is no person '{person}'.", remedy="See 'appliance users list'.")
