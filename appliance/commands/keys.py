"""`appliance keys`: keys of one's own account, or of a service account."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.commands.client import Api, connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.foundation import NotFound

ForOption = Annotated[
    str | None, typer.Option("--for", help="A service account, by name or address; without it, your own account.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    keys = typer.Typer(help="API keys of your own account or of a service account.", no_args_is_help=True)
    keys.command("list", help="Living keys.")(list_keys)
    keys.command("create", help="Make a key; it is shown once.")(create_key)
    keys.command("rotate", help="Give a key a new secret, which is shown once; id and scope stay.")(rotate_key)
    keys.command("revoke", help="End a key.")(revoke_key)
    app.add_typer(keys, name="keys")


def list_keys(account: ForOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    found = run(_call(config, account, "GET"))
    if as_json:
        print_json(found)
        return
    rows = [
        (k["id"], k["name"], k["prefix"], _scope(k["scope"]), k["expires_at"][:10], (k["last_used_at"] or "")[:16])
        for k in found
    ]
    print_table(("id", "name", "begins with", "scope", "expires", "last used"), rows)


def create_key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    account: ForOption = None,
    model: Annotated[list[str] | None, typer.Option(help="Only this model; may be repeated.")] = None,
    assistant: Annotated[list[str] | None, typer.Option(help="Only this assistant; may be repeated.")] = None,
    collection: Annotated[list[str] | None, typer.Option(help="Only this collection; may be repeated.")] = None,
    endpoint: Annotated[
        list[str] | None, typer.Option(help="Only this endpoint, such as chat/completions; may be repeated.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=400, help="Days until it expires.")] = 90,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    scope = {"models": model or None, "assistants": assistant or None, "endpoints": endpoint or None}
    made = run(_create(config, account, name, days, scope, collection or []))
    if as_json:
        print_json(made)
        return
    say(made["key"])


def rotate_key(
    key_id: str,
    account: ForOption = None,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=720, help="Hours for which the present secret goes on working.")
    ] = 24,
    days: Annotated[int | None, typer.Option(min=1, max=400, help="A new end; without it, the end stays.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    body = {"overlap_hours": overlap_hours, "expires_in_days": days}
    made = run(_call(config, account, "POST", f"/{key_id}/rotate", body))
    if as_json:
        print_json(made)
        return
    say(made["key"])


def revoke_key(key_id: str, account: ForOption = None, config: ConfigOption = None) -> None:
    run(_call(config, account, "DELETE", f"/{key_id}"))
    say("The key is dead.")


async def _call(config: Path | None, account: str | None, method: str, below: str = "", body: Any = None) -> Any:
    async with connect(settings_from(config)) as api:
        return await api.call(method, await _keys_path(api, account) + below, body)


async def _create(
    config: Path | None, account: str | None, name: str, days: int, scope: dict[str, Any], collections: list[str]
) -> Any:
    async with connect(settings_from(config)) as api:
        scope["collections"] = await _collection_ids(api, collections) if collections else None
        body = {"name": name, "expires_in_days": days, "scope": scope}
        return await api.call("POST", await _keys_path(api, account), body)


async def _keys_path(api: Api, account: str | None) -> str:
    if account is None:
        return "/api/keys"
    for found in await api.call("GET", "/api/service-accounts"):
        if account.lower() in (found["name"].lower(), found["address"]):
            return f"/api/service-accounts/{found['id']}/keys"
    raise NotFound(
        f"There is no service account '{account}' that you manage.",
        remedy="Make it with 'appliance users service-create'.",
    )


async def _collection_ids(api: Api, wanted: Sequence[str]) -> list[str]:
    by_name = {c["name"]: str(c["id"]) for c in await api.call("GET", "/api/collections")}
    ids = []
    for name in wanted:
        if name not in by_name:
            raise NotFound(f"There is no collection '{name}'.", remedy="'appliance collections list' shows them.")
        ids.append(by_name[name])
    return ids


def _scope(scope: dict[str, list[str] | None]) -> str:
    parts = [f"{kind}: {', '.join(names) or 'none'}" for kind, names in scope.items() if names is not None]
    return "; ".join(parts) or "everything"
