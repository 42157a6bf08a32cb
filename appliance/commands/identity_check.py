"""`appliance identity check`: what the provider and a token of it come to, before anything is switched on."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError

from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.configuration import SQLITE, admission_rules, oidc_settings, storage_settings
from appliance.foundation import InvalidInput, SystemClock, configure_logging
from appliance.identity import Accounts, RightsCache
from appliance.identity.directory import AdmissionReport, ExternalIdentity
from appliance.identity.oidc import OidcMisconfigured, OidcSettings, ProviderUnavailable, TokenRefused
from appliance.identity.oidc.claims import read_claims
from appliance.identity.oidc.door import OidcDoor, open_door
from appliance.identity.oidc.explain import Note, explain_token, remedy_of, times_of
from appliance.identity.oidc.jws import json_object, take_apart
from appliance.planning.checks import Finding
from appliance.settings import Settings
from appliance.storage import Database

MOST_BYTES = 64 * 1024
"""Of a token's file."""

TokenOption = Annotated[
    Path | None, typer.Option("--token-file", help="File with an access token of the provider, to be explained.")
]


class Admission(Struct):
    """What a login or a call with the token would come to."""

    admitted: bool
    reason: str
    account: str
    """`new`, `known`, `provisioned` or `none`."""
    user_id: str
    address: str
    kind: str
    roles: list[str]
    joined: list[str]
    left: list[str]
    notes: list[str]


class Report(Struct):
    findings: list[Finding]
    claims: list[Note] = []
    admission: Admission | None = None


def check(token_file: TokenOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Writes nothing, here or at the provider. Exit code 1 when something failed."""
    settings = settings_from(config)
    oidc = oidc_settings(settings)
    if oidc is None:
        raise OidcMisconfigured("identity.oidc.issuer names no identity provider.", remedy="Set it, and client_id.")
    configure_logging("error")  # what goes wrong is told as a finding
    report = run(report_on(settings, oidc, None if token_file is None else _read(token_file)))
    if as_json:
        print_json(report)
    else:
        _print(report)
    if any(f.state == "failed" for f in report.findings) or any(c.state == "failed" for c in report.claims):
        raise SystemExit(1)


async def report_on(settings: Settings, oidc: OidcSettings, token: str | None) -> Report:
    """Ask the provider, and read what the token comes to; nothing is written."""
    database, clock = Database(storage_settings(settings)), SystemClock()
    rights = RightsCache(clock)
    accounts = Accounts(database, clock, rights, admission_rules(settings))
    door = open_door(oidc, accounts, database, rights, clock)
    try:
        report = Report([_mode(settings), *await _provider(door), *_rules(settings)])
        if token is not None:
            await _explain(settings, door, accounts, token, report)
        return report
    finally:
        await door.stop()
        await database.close()


def _mode(settings: Settings) -> Finding:
    if settings.identity.mode == "oidc":
        return Finding("mode", "ok", "identity.mode is 'oidc': the provider is switched on")
    return Finding("mode", "ok", "identity.mode is 'local': nothing of this is switched on yet")


async def _provider(door: OidcDoor) -> list[Finding]:
    """What it says about itself, its keys, and whether it knows our client."""
    try:
        about = await door.provider.metadata()
    except ProviderUnavailable as error:
        return [Finding("provider", "failed", error.message, error.way_out)]
    findings = [Finding("provider", "ok", about.issuer)]
    await door.keys.refresh()
    keys = door.keys.listed()
    if keys:
        findings.append(Finding("keys", "ok", ", ".join(f"{key.kid} ({key.algorithm})" for key in keys)))
    else:
        findings.append(Finding("keys", "failed", door.keys.trouble, f"See what {about.jwks_uri} answers."))
    if not (about.authorization_endpoint and about.token_endpoint):
        findings.append(
            Finding("login", "failed", "the provider has no addresses for logins", "Is it the right realm?")
        )
    elif "S256" not in about.pkce_methods:
        findings.append(
            Finding("login", "warning", "the provider does not offer PKCE with S256", "Switch it on there.")
        )
    else:
        findings.append(Finding("login", "ok", "authorisation code with PKCE S256"))
    if about.end_session_endpoint and about.backchannel_logout:
        findings.append(Finding("logout", "ok", "from both sides"))
    else:
        findings.append(
            Finding("logout", "warning", "not offered from both sides", "Sessions then end by their own time.")
        )
    return [*findings, await _client(door, about.introspection_endpoint)]


async def _client(door: OidcDoor, introspection: str) -> Finding:
    """Asks about a token that is none: a client that is not known is refused, another gets 'not active'."""
    oidc = door.provider.settings
    if not oidc.client_secret:
        return Finding("client", "warning", "there is no secret", "Set identity.oidc.client_secret_file for logins.")
    if not introspection:
        return Finding("client", "ok", f"{oidc.client_id}, with a secret that could not be tried")
    try:
        status, _ = await door.provider.fetch.post_form(
            introspection, {"token": "none"}, basic=(oidc.client_id, oidc.client_secret)
        )
    except ProviderUnavailable as error:
        return Finding("client", "warning", error.message, error.way_out)
    if status == 200:
        return Finding("client", "ok", f"{oidc.client_id}: the provider takes its secret")
    return Finding(
        "client", "failed", f"the provider does not take the secret of {oidc.client_id}", "Write the present one anew."
    )


def _rules(settings: Settings) -> list[Finding]:
    given = settings.identity.oidc
    if given.admitted_groups:
        findings = [Finding("admission", "ok", f"let in are members of {', '.join(given.admitted_groups)}")]
    else:
        findings = [
            Finding("admission", "warning", "no group is let in", "Name some in identity.oidc.admitted_groups.")
        ]
    if given.role_groups.get("administrator"):
        findings.append(Finding("roles", "ok", "; ".join(f"{r}: {', '.join(g)}" for r, g in given.role_groups.items())))
    else:
        findings.append(
            Finding(
                "roles",
                "warning",
                "no group makes administrators",
                "Name one in identity.oidc.role_groups, or only the break-glass account administers.",
            )
        )
    return findings


async def _explain(settings: Settings, door: OidcDoor, accounts: Accounts, token: str, report: Report) -> None:
    """Add what a token says and comes to. What its signature does not vouch for is explained all the same."""
    oidc, now = door.provider.settings, SystemClock().now()
    try:
        signed = take_apart(token)
        raw = json_object(signed.payload, "payload")
    except TokenRefused as refused:
        report.findings.append(Finding("token", "failed", str(refused), remedy_of(refused)))
        return
    try:
        await door.verifier.opened(token)
        report.findings.append(Finding("signature", "ok", f"by the key {signed.kid}, {signed.algorithm}"))
    except (TokenRefused, ProviderUnavailable) as error:
        remedy = remedy_of(error) if isinstance(error, TokenRefused) else error.way_out
        report.findings.append(Finding("signature", "failed", str(error), remedy))
    report.claims = explain_token(oidc, signed, raw, now)
    if any(note.state == "failed" for note in report.claims):
        report.findings.append(Finding("token", "failed", "it is refused", "See its claims."))
        return
    claims = read_claims(raw, "access", oidc)
    report.findings.append(Finding("token", "ok", times_of(claims)))
    report.admission = await _admission(settings, accounts, claims.identity(), report)


async def _admission(settings: Settings, accounts: Accounts, who: ExternalIdentity, report: Report) -> Admission | None:
    if not _has_database(settings):
        rules = admission_rules(settings)
        verdict = "would be let in" if rules.admits(who.groups) else "would not be let in"
        report.findings.append(Finding("account", "warning", f"{verdict}; there is no database yet", "Start it once."))
        return None
    try:
        found = await accounts.explain(who)
    except (SQLAlchemyError, OSError) as error:
        report.findings.append(
            Finding("account", "failed", f"the database cannot be read: {type(error).__name__}", "Is it up to date?")
        )
        return None
    state = "ok" if found.admitted else "warning"
    report.findings.append(Finding("account", state, found.reason, "" if found.admitted else "See identity.oidc."))
    return _told(found, who)


def _has_database(settings: Settings) -> bool:
    """Opening one that is not there would make an empty file."""
    url = storage_settings(settings).database_url
    return not url.startswith(SQLITE) or Path(url.removeprefix(SQLITE)).exists()


def _told(found: AdmissionReport, who: ExternalIdentity) -> Admission:
    return Admission(
        admitted=found.admitted,
        reason=found.reason,
        account=found.account,
        user_id="" if found.user_id is None else str(found.user_id),
        address=found.address,
        kind=who.kind,
        roles=sorted(found.roles),
        joined=list(found.joined),
        left=list(found.left),
        notes=list(found.notes),
    )


def _print(report: Report) -> None:
    print_table(
        ("check", "state", "detail", "remedy"), [(f.check, f.state, f.detail, f.remedy) for f in report.findings]
    )
    if report.claims:
        say("")
        rows = [(c.claim, c.value, c.state, c.meaning, c.remedy) for c in report.claims]
        print_table(("claim", "value", "state", "meaning", "remedy"), rows)
    if report.admission is not None:
        say("")
        for name in Admission.__struct_fields__:
            value = getattr(report.admission, name)
            say(f"{name}: {', '.join(value) or 'none' if isinstance(value, list) else value}")


def _read(file: Path) -> str:
    """The token in a file, also when it stands there as it stands in a header. Raises InvalidInput."""
    try:
        text = file.read_bytes()[:MOST_BYTES].decode("ascii").strip()
    except (OSError, UnicodeError) as error:
        raise InvalidInput(
            f"{file} cannot be read: {type(error).__name__}.", remedy="Name a file with a token."
        ) from error
    return text.removeprefix("Authorization:").strip().removeprefix("Bearer ").strip()
