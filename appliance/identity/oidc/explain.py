"""A token explained claim by claim, for whoever sets up a provider: what counts, what does not, and what to do."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from appliance.identity.oidc import checks
from appliance.identity.oidc.claims import Claims, client_of, found, names
from appliance.identity.oidc.errors import TokenRefused
from appliance.identity.oidc.jws import Signed
from appliance.identity.oidc.settings import OidcSettings

LONGEST_VALUE = 200
State = Literal["ok", "warning", "failed"]
Raw = Mapping[str, object]

REMEDIES: Mapping[str, str] = {
    "malformed": "Give the access token as it came: three parts with dots between them, nothing else in the file.",
    "algorithm": "Let the provider sign with RS256, PS256 or ES256, and publish the key with that 'alg'.",
    "forbidden_header": "Turn off the feature of the provider that writes this header.",
    "unknown_key": "Take a new token; if it stays so, the token is of another realm, or the provider hides its keys.",
    "bad_signature": "Take a new token, of this provider.",
    "wrong_issuer": "Set identity.oidc.issuer to exactly this text, if this is the provider that you trust.",
    "wrong_audience": "Add an audience mapper for identity.oidc.audience to the client at the provider"
    " ('appliance identity bootstrap' does it), or set identity.oidc.audience.",
    "wrong_client": "Add this client to identity.oidc.allowed_azp, if its tokens are to be taken.",
    "expired": "Take a new token; one is good for minutes only.",
    "not_yet_valid": "Set the clocks of both machines by a time server; 30 seconds are allowed.",
    "bad_times": "The provider must write times as whole seconds.",
    "wrong_type": "Send the access token, not the ID or the refresh token. If the provider never says what its access"
    " tokens are, give them an audience of their own and set identity.oidc.untyped_access_tokens.",
    "no_subject": "Let the provider put 'sub' into access tokens (Keycloak: the client scope 'basic').",
}
"""Reason of a refusal → what to do."""

MEANINGS: Mapping[str, str] = {
    "email": "shown beside the name; it never says which account is meant",
    "email_verified": "without it, the address is not shown",
    "name": "shown to others",
    "preferred_username": "shown when there is no name",
    "auth_time": "when the person last proved who they are",
    "sid": "the session at the provider: its end ends those that came of it",
    "client_id": "the client that got the token",
}


@dataclass(frozen=True, slots=True)
class Note:
    """About one claim, or one that is missing."""

    claim: str
    value: str
    state: State
    meaning: str
    remedy: str = ""


def explain_token(settings: OidcSettings, signed: Signed, raw: Raw, now: datetime) -> list[Note]:
    """Every claim of a token, whether or not its signature holds: which that is, the caller has to say."""
    rules: tuple[tuple[str, Callable[[], object], str], ...] = (
        ("iss", lambda: checks.check_issuer(raw, settings.issuer), "is identity.oidc.issuer"),
        ("sub", lambda: checks.check_subject(raw), "with the issuer, the account's only key"),
        ("aud", lambda: checks.check_audience(raw, settings.wanted_audience), "has identity.oidc.audience"),
        ("azp", lambda: checks.check_client(raw, settings.clients), "a client whose tokens are taken"),
        ("exp", lambda: checks.check_times(raw, now.timestamp(), settings.leeway_s), "the times hold"),
        ("typ", lambda: _check_kind(settings, signed, raw), "an access token"),
    )
    notes = [_by_rule(raw, *rule) for rule in rules]
    notes += [_groups(settings, raw), _roles(settings, raw)]
    if settings.step_up_acr:
        notes.append(_acr(settings, raw))
    told = {note.claim for note in notes} | {settings.groups_claim.partition(".")[0]}
    notes += [
        Note(name, shown(value), "ok", MEANINGS.get(name, "not used"))
        for name, value in raw.items()
        if name not in told
    ]
    return notes


def shown(value: object) -> str:
    """A claim's value in one line."""
    text = value if isinstance(value, str) and value.isprintable() else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def remedy_of(refused: TokenRefused) -> str:
    """What to do about a refusal."""
    return REMEDIES.get(refused.reason, "")


def times_of(claims: Claims) -> str:
    """From when to when a token is good, in words."""
    start, end = (datetime.fromtimestamp(at, UTC) for at in (claims.issued_at, claims.expires_at))
    return f"good from {start:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S} UTC"


def _by_rule(raw: Raw, claim: str, rule: Callable[[], object], meaning: str) -> Note:
    value = shown(raw[claim]) if claim in raw else "(missing)"
    if claim == "azp" and claim not in raw:
        value = client_of(raw) or "(missing)"
    try:
        rule()
    except TokenRefused as refused:
        return Note(claim, value, "failed", refused.detail, remedy_of(refused))
    return Note(claim, value, "ok", meaning)


def _check_kind(settings: OidcSettings, signed: Signed, raw: Raw) -> None:
    checks.check_is_access_token(raw, signed.typ, untyped=settings.untyped_access_tokens)


def _groups(settings: OidcSettings, raw: Raw) -> Note:
    value = found(raw, settings.groups_claim)
    listed = sorted(names(value))
    if not listed:
        return Note(
            settings.groups_claim,
            "(missing)" if value is None else shown(value),
            "warning",
            "no group: nobody is let in by one",
            "Add a mapper that writes full group paths into this claim ('appliance identity bootstrap' does it),"
            " or name the claim in identity.oidc.groups_claim.",
        )
    if not any(group.startswith("/") for group in listed):
        return Note(
            settings.groups_claim,
            shown(listed),
            "warning",
            "names, not paths: they cannot be kept as groups",
            "Switch on 'full group path' in the mapper.",
        )
    return Note(settings.groups_claim, shown(listed), "ok", f"{len(listed)} groups, by their full paths")


def _roles(settings: OidcSettings, raw: Raw) -> Note:
    value = found(raw, settings.roles_claim)
    text = "(missing)" if value is None else shown(value)
    return Note(
        settings.roles_claim, text, "ok", "for information: rights come from groups, by identity.oidc.role_groups"
    )


def _acr(settings: OidcSettings, raw: Raw) -> Note:
    if raw.get("acr") == settings.step_up_acr:
        return Note("acr", shown(raw["acr"]), "ok", "strong enough for what needs a fresh proof")
    return Note(
        "acr",
        shown(raw.get("acr", "(missing)")),
        "warning",
        f"what needs a fresh proof asks for {settings.step_up_acr!r}",
        "Nothing to do for usual work; the browser asks for it when it is needed.",
    )
