"""`appliance users`, `groups` and `keys`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.commands.client import Api, connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.foundation import NotFound


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    users = typer.Typer(help="Accounts.", no_args_is_help=True)
    users.command("list", help="Everybody.")(list_users)
    users.command("create", help="Make an account; a password is made and shown once.")(create_user)
    users.command("disable", help="Shut an account: its sessions and keys are dead at once.")(disable_user)
    users.command("password", help="Set a new password; its owner must change it at the next login.")(new_password)
    app.add_typer(users, name="users")
    groups = typer.Typer(help="Groups of people, to share collections with.", no_args_is_help=True)
    groups.command("create", help="Make a group.")(create_group)
    groups.command("add", help="Put somebody into a group.")(add_member)
    groups.command("remove", help="Take somebody out of a group.")(remove_member)
    app.add_typer(groups, name="groups")
    keys = typer.Typer(help="API keys of your own account.", no_args_is_help=True)
    keys.command("list", help="Your living keys.")(list_keys)
    keys.command("create", help="Make a key; it is shown once.")(create_key)
    keys.command("revoke", help="End a key.")(revoke_key)
    app.add_typer(keys, name="keys")


def list_users(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    found = run(_call(config, "GET", "/api/users"))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            u["email"],
            u["name"],
            ", ".join(u["roles"]),
            ", ".join(g["name"] for g in u["groups"]),
            "yes" if u["disabled"] else "",
        )
        for u in found
    ]
    print_table(("address", "name", "roles", "groups", "disabled"), rows)


def create_user(
    email: Annotated[str, typer.Argument(help="E-mail address: the login name.")],
    name: Annotated[str | None, typer.Option(help="Display name.")] = None,
    administrator: Annotated[bool, typer.Option("--administrator", help="May manage people and engines.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    roles = ["user", "administrator"] if administrator else ["user"]
    made = run(_call(config, "POST", "/api/users", {"email": email, "name": name or email, "roles": roles}))
    if as_json:
        print_json(made)
        return
    say(f"{made['email']} can log in with the password {made['password']} (shown once).")


def disable_user(email: str, config: ConfigOption = None) -> None:
    run(_change(config, email, {"disabled": True}))
    say(f"{email} is shut out.")


def new_password(email: str, config: ConfigOption = None) -> None:
    password = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    run(_change(config, email, {"password": password}))
    say(f"{email} has a new password and must choose another at the next login.")


def create_group(name: str, config: ConfigOption = None) -> None:
    run(_call(config, "POST", "/api/groups", {"name": name}))
    say(f"Group '{name}' is made.")


def add_member(group: str, email: str, config: ConfigOption = None) -> None:
    run(_member(config, "PUT", group, email))
    say(f"{email} is in '{group}'.")


def remove_member(group: str, email: str, config: ConfigOption = None) -> None:
    run(_member(config, "DELETE", group, email))
    say(f"{email} is not in '{group}'.")


def list_keys(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    found = run(_call(config, "GET", "/api/keys"))
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "name", "begins with", "expires", "last used"),
        [(k["id"], k["name"], k["prefix"], k["expires_at"][:10], (k["last_used_at"] or "")[:16]) for k in found],
    )


def create_key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    days: Annotated[int, typer.Option(min=1, max=400, help="Days until it expires.")] = 90,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    made = run(_call(config, "POST", "/api/keys", {"name": name, "expires_in_days": days}))
    if as_json:
        print_json(made)
        return
    say(made["key"])


def revoke_key(key_id: str, config: ConfigOption = None) -> None:
    run(_call(config, "DELETE", f"/api/keys/{key_id}"))
    say("The key is dead.")


async def _call(config: Path | None, method: str, path: str, body: Any = None) -> Any:
    async with connect(settings_from(config)) as api:
        return await api.call(method, path, body)


async def _change(config: Path | None, email: str, body: dict[str, Any]) -> None:
    async with connect(settings_from(config)) as api:
        await api.call("PATCH", f"/api/users/{await _user_id(api, email)}", body)


async def _member(config: Path | None, method: str, group: str, email: str) -> None:
    async with connect(settings_from(config)) as api:
        for found in await api.call("GET", "/api/groups"):
            if found["name"] == group:
                await api.call(method, f"/api/groups/{found['id']}/members/{await _user_id(api, email)}")
                return
    raise NotFound(f"There is no group '{group}'.", remedy="Make it with 'appliance groups create'.")


async def _user_id(api: Api, email: str) -> str:
    for user in await api.call("GET", "/api/users"):
        if user["email"] == email.lower():
            return str(user["id"])
    raise NotFound(f"There is no account {email}.", remedy="'appliance users list' shows them.")
