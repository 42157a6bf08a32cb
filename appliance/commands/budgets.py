"""`appliance limits` and `appliance usage`."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from appliance.commands.client import Api, connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.foundation import InvalidInput, NotFound

WHO = "'everyone', 'user:ADDRESS', 'group:NAME' or 'key:ID'."
By = Literal["user", "group", "key", "model", "day"]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    limits = typer.Typer(help="What users, groups and keys may use.", no_args_is_help=True)
    limits.command("list", help="Every limit that is set.")(list_limits)
    limits.command("set", help="Set limits, as 'requests_per_minute=60'; 'none' as the amount removes one.")(set_limits)
    limits.command("remove", help="Remove all limits of somebody.")(remove_limits)
    app.add_typer(limits, name="limits")
    app.command("usage", help="What was used: requests, tokens and engine time.")(usage)


def list_limits(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    found = run(_call(config, "GET", "/api/limits"))
    if as_json:
        print_json(found)
        return
    rows = [(s["who"], s["name"], name, str(amount)) for s in found for name, amount in s["limits"].items()]
    print_table(("who", "name", "limit", "amount"), rows)


def set_limits(
    who: Annotated[str, typer.Argument(help=WHO)],
    values: Annotated[list[str], typer.Argument(metavar="LIMIT=AMOUNT", help="For example tokens_per_day=1000000.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    made = run(_change(config, who, _read(values)))
    if as_json:
        print_json(made)
        return
    say(f"{who}: " + (", ".join(f"{n} {a}" for n, a in made["limits"].items()) or "no limit"))


def remove_limits(who: Annotated[str, typer.Argument(help=WHO)], config: ConfigOption = None) -> None:
    run(_remove(config, who))
    say(f"{who} has no limit of its own any more.")


def usage(
    by: Annotated[By, typer.Option(help="What the rows are.")] = "user",
    first: Annotated[str | None, typer.Option(help="First day, as 2026-11-01; default: of this month.")] = None,
    last: Annotated[str | None, typer.Option(help="Last day, included; default: today.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    days = "".join(f"&{name}={quote(day)}" for name, day in (("first", first), ("last", last)) if day)
    report = run(_call(config, "GET", f"/api/usage/report?by={by}{days}"))
    if as_json:
        print_json(report)
        return
    numbers = ("requests", "failed", "unsettled", "prompt_tokens", "completion_tokens", "engine_seconds")
    rows = [(row["name"], *(str(row[n]) for n in numbers)) for row in report["rows"]]
    print_table((by, *(n.replace("_", " ") for n in numbers)), rows)


def _read(values: list[str]) -> dict[str, int | None]:
    """Raises InvalidInput."""
    found: dict[str, int | None] = {}
    for value in values:
        name, _, amount = value.partition("=")
        if amount != "none" and not amount.isdecimal():
            raise InvalidInput(f"'{value}' is no limit.", remedy="Write it as 'requests_per_minute=60'.")
        found[name] = None if amount == "none" else int(amount)
    return found


async def _call(config: Path | None, method: str, path: str, body: Any = None) -> Any:
    async with connect(settings_from(config)) as api:
        return await api.call(method, path, body)


async def _change(config: Path | None, who: str, values: dict[str, int | None]) -> Any:
    async with connect(settings_from(config)) as api:
        return await api.call("PUT", f"/api/limits/{await _subject(api, who)}", values)


async def _remove(config: Path | None, who: str) -> None:
    async with connect(settings_from(config)) as api:
        await api.call("DELETE", f"/api/limits/{await _subject(api, who)}")


async def _subject(api: Api, who: str) -> str:
    """From what people write to what the appliance keeps. Raises NotFound."""
    kind, _, name = who.partition(":")
    listed = {"user": ("/api/users", "email"), "group": ("/api/groups", "name")}.get(kind)
    if listed is None:
        return quote(who, safe=":")
    path, field = listed
    for found in await api.call("GET", path):
        if name in (found[field], found["id"]) or name.lower() == found[field]:
            return f"{kind}:{found['id']}"
    raise NotFound(f"There is no {kind} '{name}'.", remedy=f"Write {WHO}")
