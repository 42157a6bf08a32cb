"""`appliance identity`: who may come in through single sign-on, and how it is set up."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from appliance.commands.client import connect
from appliance.commands.identity_check import check
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, say
from appliance.foundation import InvalidInput

if TYPE_CHECKING:
    from appliance.identity.bootstrap import Bootstrap


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    identity = typer.Typer(help="Single sign-on.", no_args_is_help=True)
    identity.callback()(lambda: None)
    identity.command("bootstrap", help="Make a Keycloak realm ready for the appliance, or bring it up to date.")(
        bootstrap
    )
    identity.command("check", help="Explain what the provider and a token of it come to; changes nothing.")(check)
    glass = typer.Typer(help="The one account with a password while single sign-on is on.", no_args_is_help=True)
    glass.command("seal", help="A new password, shown once, for the envelope in the safe.")(seal)
    glass.command("open", help="A password that works for an hour from now.")(open_glass)
    identity.add_typer(glass, name="break-glass")
    app.add_typer(identity, name="identity")


def seal(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    _renew_glass("seal", config, as_json=as_json)


def open_glass(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    _renew_glass("open", config, as_json=as_json)


def _renew_glass(act: str, config: Path | None, *, as_json: bool) -> None:
    made = run(_call_glass(act, config))
    if as_json:
        print_json(made)
        return
    say(f"account   {made['account']}\npassword  {made['password']}\n")
    if made["until"]:
        say(f"It works until {made['until']}. Seal the account again when the emergency is over.")
    else:
        say(
            "Put both into an envelope. The first login breaks the seal: administrators see it, and it ends in an hour."
        )


async def _call_glass(act: str, config: Path | None) -> Any:
    async with connect(settings_from(config)) as api:
        return await api.call("POST", f"/api/break-glass-account/{act}")


def bootstrap(
    keycloak: Annotated[str, typer.Option(help="Keycloak's address, as https://sso.firm.example.")],
    password_file: Annotated[
        Path, typer.Option(help="File with the administrator's password, or with the client's secret.")
    ],
    realm: Annotated[str, typer.Option(help="The realm to make or change.")] = "appliance",
    admin: Annotated[str, typer.Option(help="Keycloak's administrator, by name.")] = "admin",
    admin_realm: Annotated[str, typer.Option(help="The realm in which the administrator is.")] = "master",
    as_client: Annotated[bool, typer.Option(help="The administrator is a client with a service account.")] = False,
    client_id: Annotated[str, typer.Option(help="The appliance's client.")] = "appliance",
    group: Annotated[list[str] | None, typer.Option(help="A group to make, as /staff; may be repeated.")] = None,
    url: Annotated[str | None, typer.Option(help="The appliance's address; default: of the settings.")] = None,
    secrets: Annotated[Path | None, typer.Option(help="Folder for the clients' secrets; default: data folder.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Certificates by which Keycloak is trusted.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would change, and change nothing.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    from appliance.identity import bootstrap as realms  # noqa: PLC0415 - it loads the library of the administration
    from appliance.identity.roles import ROLES  # noqa: PLC0415 - the other commands need none of it

    settings = settings_from(config)
    wanted = realms.Wanted(realm, _address(url or settings.url), client_id, ROLES, frozenset(group or ()))
    administrator = realms.Administrator(admin, _read(password_file), admin_realm, as_client)
    work = realms.Bootstrap(realms.connect(keycloak, administrator, ca_file), realms.plan_of(wanted), dry_run=dry_run)
    changes = work.run()
    folder = secrets or settings.data / "secrets"
    written = [] if dry_run else _keep_secrets(work, folder, (client_id, wanted.service_id, wanted.directory_id))
    lines = _settings_lines(keycloak, realm, client_id, folder)
    if as_json:
        told = [{"object": c.object, "act": c.act, "fields": c.fields} for c in changes]
        print_json({"dry_run": dry_run, "changes": told, "written": [str(p) for p in written], "settings": lines})
        return
    for change in changes:
        say(("would have " if dry_run else "") + change.sentence())
    for path in written:
        say(f"wrote {path}")
    if not changes and not written:
        say("Nothing to change.")
    say("\nSettings for the appliance:\n\n" + "\n".join(lines))


def _settings_lines(keycloak: str, realm: str, client_id: str, folder: Path) -> list[str]:
    return [
        "[identity]",
        'mode = "oidc"',
        "",
        "[identity.oidc]",
        f'issuer = "{keycloak.rstrip("/")}/realms/{realm}"',
        f'client_id = "{client_id}"',
        f'client_secret_file = "{folder / client_id}"',
        f'audience = "{client_id}"',
        f'allowed_azp = ["{client_id}", "{client_id}-service"]',
        'roles_claim = "roles"',
        f'directory_client_id = "{client_id}-directory"',
        f'directory_secret_file = "{folder / client_id}-directory"',
    ]


def _keep_secrets(work: "Bootstrap", folder: Path, clients: tuple[str, ...]) -> list[Path]:
    """Each secret in a file of its own that only its owner may read; the files that were written."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = []
    for client in clients:
        path, secret = folder / client, work.secret(client)
        if path.exists() and path.read_text(encoding="utf-8").strip() == secret:
            path.chmod(0o600)
            continue
        fresh = path.with_name(path.name + ".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(secret + "\n")
        fresh.replace(path)
        written.append(path)
    return written


def _address(url: str) -> str:
    """Raises InvalidInput: an address that browsers would not keep a secure cookie for."""
    parts = urlsplit(url.rstrip("/"))
    own_machine = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if (parts.scheme != "https" and not (parts.scheme == "http" and own_machine)) or parts.path or "*" in url:
        raise InvalidInput(
            f"'{url}' cannot be the appliance's address for single sign-on.",
            remedy="Name it as people type it, with https and without a path: --url https://chat.firm.example.",
        )
    return url.rstrip("/")


def _read(file: Path) -> str:
    """Raises InvalidInput."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from error
