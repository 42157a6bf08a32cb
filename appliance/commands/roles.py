"""`appliance roles`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.commands.client import Api, connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.commands.people import group_id, user_id
from appliance.foundation import InvalidInput
from appliance.identity.roles import ROLES, TABLE

EmailArgument = Annotated[str, typer.Argument(help="Address of the account.")]
RoleArgument = Annotated[str, typer.Argument(help="One of the roles that 'appliance roles list' shows.")]
GroupArgument = Annotated[str, typer.Argument(help="Name of the group.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    roles = typer.Typer(help="Who may do what.", no_args_is_help=True)
    roles.command("list", help="What each role adds to what everybody may do.")(list_roles)
    roles.command("give", help="Give somebody a role.")(give)
    roles.command("take", help="Take a role from somebody.")(take)
    roles.command("appoint", help="Let somebody say who is in a group.")(appoint)
    roles.command("dismiss", help="Let somebody no longer say who is in a group.")(dismiss)
    app.add_typer(roles, name="roles")


def list_roles(as_json: JsonOption = False) -> None:
    """Needs no running appliance: the table is part of the program."""
    if as_json:
        lines = [{"permission": line.permission, "what": line.what, "reach": line.reach} for line in TABLE]
        print_json({"roles": list(ROLES), "permissions": lines})
        return
    rows = [(line.permission, ", ".join(f"{role}: {reach}" for role, reach in line.reach.items())) for line in TABLE]
    print_table(("permission", "who has it, and how far it goes"), rows)


def give(email: EmailArgument, role: RoleArgument, config: ConfigOption = None) -> None:
    run(_change(config, email, role, gives=True))
    say(f"{email} has the role {role}.")


def take(email: EmailArgument, role: RoleArgument, config: ConfigOption = None) -> None:
    run(_change(config, email, role, gives=False))
    say(f"{email} does not have the role {role}.")


def appoint(group: GroupArgument, email: EmailArgument, config: ConfigOption = None) -> None:
    run(_administrator(config, "PUT", group, email))
    say(f"{email} administers '{group}'.")


def dismiss(group: GroupArgument, email: EmailArgument, config: ConfigOption = None) -> None:
    run(_administrator(config, "DELETE", group, email))
    say(f"{email} does not administer '{group}'.")


async def _change(config: Path | None, email: str, role: str, *, gives: bool) -> None:
    if role not in ROLES or role == "user":
        raise InvalidInput(f"'{role}' is no role that can be given.", remedy=f"Choose of {', '.join(ROLES[1:])}.")
    async with connect(settings_from(config)) as api:
        account = await _account(api, email)
        roles = set(account["roles"]) | {role} if gives else set(account["roles"]) - {role}
        await api.call("PATCH", f"/api/users/{account['id']}", {"roles": sorted(roles)})


async def _account(api: Api, email: str) -> Any:
    wanted = await user_id(api, email)
    return next(u for u in await api.call("GET", "/api/users") if u["id"] == wanted)


async def _administrator(config: Path | None, method: str, group: str, email: str) -> None:
    async with connect(settings_from(config)) as api:
        path = f"/api/groups/{await group_id(api, group)}/administrators/{await user_id(api, email)}"
        await api.call(method, path)
