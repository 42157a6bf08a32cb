"""`appliance users` and `groups`."""

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
    users.command("service-create", help="Make an account for a program: no login, keys only.")(create_service)
    users.command("tie", help="Let somebody of the identity provider log in to an account that exists.")(tie)
    app.add_typer(users, name="users")
    groups = typer.Typer(help="Groups of people, to share collections with.", no_args_is_help=True)
    groups.command("create", help="Make a group.")(create_group)
    groups.command("add", help="Put somebody into a group.")(add_member)
    groups.command("remove", help="Take somebody out of a group.")(remove_member)
    groups.command("list", help="All groups, and what they are inside of.")(list_groups)
    groups.command("nest", help="Put a group into another: its members count as members of that one too.")(nest)
    groups.command("unnest", help="Take a group out of another.")(unnest)
    app.add_typer(groups, name="groups")


def list_users(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    found = run(_call(config, "GET", "/api/users"))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            u["email"],
            u["name"],
            "service" if u["kind"] == "service" else ", ".join(u["roles"]),
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


def create_service(
    name: Annotated[str, typer.Argument(help="What the program is called.")],
    owner: Annotated[str | None, typer.Option(help="Address of the person who answers for it.")] = None,
    owner_group: Annotated[str | None, typer.Option(help="Name of the group that answers for it.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    if (owner is None) == (owner_group is None):
        raise typer.BadParameter("Name an owner: either --owner or --owner-group.")
    made = run(_create_service(config, name, owner, owner_group))
    if as_json:
        print_json(made)
        return
    say(f"{made['address']} is made. Its keys: appliance keys create NAME --for {made['address']}")


def disable_user(email: str, config: ConfigOption = None) -> None:
    run(_change(config, email, {"disabled": True}))
    say(f"{email} is shut out.")


def tie(
    email: str,
    issuer: Annotated[str, typer.Option(help="The provider's issuer, exactly as its tokens have it.")],
    subject: Annotated[str, typer.Option(help="The account's subject there ('sub').")],
    config: ConfigOption = None,
) -> None:
    run(_tie(config, email, {"issuer": issuer, "subject": subject}))
    say(f"{email} logs in as {subject} of {issuer}.")


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


def list_groups(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    found = run(_call(config, "GET", "/api/groups"))
    if as_json:
        print_json(found)
        return
    rows = [(g["name"], str(g["member_count"]), ", ".join(p["name"] for p in g["parents"]), g["source"]) for g in found]
    print_table(("group", "members", "inside", "kept by"), rows)


def nest(group: str, inner: str, config: ConfigOption = None) -> None:
    run(_inside(config, "PUT", group, inner))
    say(f"'{inner}' is inside '{group}'.")


def unnest(group: str, inner: str, config: ConfigOption = None) -> None:
    run(_inside(config, "DELETE", group, inner))
    say(f"'{inner}' is not inside '{group}'.")


async def _inside(config: Path | None, method: str, group: str, inner: str) -> None:
    async with connect(settings_from(config)) as api:
        await api.call(method, f"/api/groups/{await group_id(api, group)}/groups/{await group_id(api, inner)}")


async def _call(config: Path | None, method: str, path: str, body: Any = None) -> Any:
    async with connect(settings_from(config)) as api:
        return await api.call(method, path, body)


async def _create_service(config: Path | None, name: str, owner: str | None, owner_group: str | None) -> Any:
    async with connect(settings_from(config)) as api:
        if owner is not None:
            answers = {"kind": "user", "id": await user_id(api, owner)}
        else:
            answers = {"kind": "group", "id": await group_id(api, owner_group or "")}
        return await api.call("POST", "/api/service-accounts", {"name": name, "owner": answers})


async def _change(config: Path | None, email: str, body: dict[str, Any]) -> None:
    async with connect(settings_from(config)) as api:
        await api.call("PATCH", f"/api/users/{await user_id(api, email)}", body)


async def _tie(config: Path | None, email: str, identity: dict[str, Any]) -> None:
    async with connect(settings_from(config)) as api:
        await api.call("PUT", f"/api/users/{await user_id(api, email)}/identity", identity)


async def _member(config: Path | None, method: str, group: str, email: str) -> None:
    async with connect(settings_from(config)) as api:
        path = f"/api/groups/{await group_id(api, group)}/members/{await user_id(api, email)}"
        await api.call(method, path)


async def group_id(api: Api, name: str) -> str:
    """Raises NotFound."""
    for group in await api.call("GET", "/api/groups"):
        if group["name"] == name:
            return str(group["id"])
    raise NotFound(f"There is no group '{name}'.", remedy="Make it with 'appliance groups create'.")


async def user_id(api: Api, email: str) -> str:
    """Raises NotFound."""
    for user in await api.call("GET", "/api/users"):
        if user["email"] == email.lower():
            return str(user["id"])
    raise NotFound(f"There is no account {email}.", remedy="'appliance users list' shows them.")
