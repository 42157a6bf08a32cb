"""What a token must say to be taken: issuer, audience, client, times, type. Each raises `TokenRefused` with its reason.

Types are exact: a number is an integer, a name is text. A token that needs goodwill to be read is not read.
"""

import hmac
from collections.abc import Mapping

from appliance.identity.oidc.claims import client_of
from appliance.identity.oidc.errors import TokenRefused

Raw = Mapping[str, object]

LATEST = 2**53
"""Seconds; above it JSON readers disagree about integers."""
LONGEST_SUBJECT = 255
"""Characters, as OpenID Connect bounds it."""
BACKCHANNEL_EVENT = "http://schemas.openid.net/event/backchannel-logout"
ACCESS_HEADER = "at+jwt"
LOGOUT_HEADER = "logout+jwt"
ONLY_IN_ID_TOKENS = ("nonce", "at_hash", "c_hash")


def check_issuer(raw: Raw, issuer: str) -> None:
    """The configured text, character by character."""
    if raw.get("iss") != issuer:
        raise TokenRefused("wrong_issuer", "iss is not identity.oidc.issuer")


def check_subject(raw: Raw) -> None:
    subject = raw.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise TokenRefused("no_subject", "sub is missing or no text")
    if subject != subject.strip():
        raise TokenRefused("no_subject", "sub has spaces around it")


def check_audience(raw: Raw, wanted: str) -> list[str]:
    """All it is for; ours must be among them."""
    audience = raw.get("aud")
    listed = [audience] if isinstance(audience, str) else audience
    if not isinstance(listed, list) or not all(isinstance(a, str) for a in listed):
        raise TokenRefused("wrong_audience", "aud is missing or no text")
    if wanted not in listed:
        raise TokenRefused("wrong_audience", "aud does not have identity.oidc.audience")
    return listed


def check_client(raw: Raw, clients: frozenset[str]) -> None:
    """The client that got the token is one of ours. A token that names two clients names none."""
    for name in ("azp", "client_id"):
        if name in raw and not isinstance(raw[name], str):
            raise TokenRefused("wrong_client", f"{name} is no text")
    if "azp" in raw and "client_id" in raw and raw["azp"] != raw["client_id"]:
        raise TokenRefused("wrong_client", "azp and client_id are two clients")
    if client_of(raw) not in clients:
        raise TokenRefused("wrong_client", "azp is not in identity.oidc.allowed_azp")


def check_times(raw: Raw, now_s: float, leeway_s: int) -> None:
    """`exp` and `iat` are there, `nbf` may be; the present lies between them."""
    expires, issued = _seconds(raw, "exp"), _seconds(raw, "iat")
    starts = _seconds(raw, "nbf") if "nbf" in raw else issued
    if expires + leeway_s <= now_s:
        raise TokenRefused("expired", "exp is past")
    if max(starts, issued) > now_s + leeway_s:
        raise TokenRefused("not_yet_valid", "nbf or iat is in the future; are both clocks right?")
    if expires <= issued:
        raise TokenRefused("expired", "exp is not after iat")


def check_is_access_token(raw: Raw, typ: str, *, untyped: bool) -> None:
    """Says of itself that it is an access token, by its header (RFC 9068) or its payload (Keycloak).

    `untyped`: one that says nothing is taken as well, if nothing in it belongs to another kind.
    """
    kind = raw.get("typ")
    if "events" in raw or any(name in raw for name in ONLY_IN_ID_TOKENS):
        raise TokenRefused("wrong_type", "it has claims of an ID or a logout token")
    if "cnf" in raw:
        raise TokenRefused("wrong_type", "it is bound to a key of its client (cnf), which is not checked here")
    if typ == ACCESS_HEADER and kind in (None, "Bearer"):
        return
    if typ in ("", "jwt") and (kind == "Bearer" or (kind is None and untyped)):
        return
    raise TokenRefused("wrong_type", "it does not say that it is an access token")


def check_is_id_token(raw: Raw, typ: str, audience: list[str], client_id: str, nonce: str) -> None:
    """For our client, and the answer to the login that sent this `nonce`."""
    if typ not in ("", "jwt") or raw.get("typ") not in (None, "ID") or "events" in raw:
        raise TokenRefused("wrong_type", "it is no ID token")
    if raw.get("azp", client_id) != client_id or (len(audience) > 1 and "azp" not in raw):
        raise TokenRefused("wrong_client", "azp is not the client id")
    given = raw.get("nonce")
    if not nonce or not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise TokenRefused("wrong_nonce", "nonce is not that of this login")


def check_is_logout_token(raw: Raw, typ: str) -> None:
    """As OpenID Connect Back-Channel Logout has it."""
    if typ not in ("", "jwt", LOGOUT_HEADER) or raw.get("typ") not in (None, "Logout"):
        raise TokenRefused("wrong_type", "it is no logout token")
    events = raw.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(BACKCHANNEL_EVENT), dict):
        raise TokenRefused("wrong_type", "events does not have the back-channel logout")
    if "nonce" in raw:
        raise TokenRefused("wrong_type", "a logout token has no nonce")
    if not isinstance(raw.get("jti"), str) or not raw["jti"]:
        raise TokenRefused("wrong_type", "a logout token has a jti")
    if "sid" not in raw and "sub" not in raw:
        raise TokenRefused("no_subject", "it names neither a session nor a person")
    if not isinstance(raw.get("sid", ""), str):
        raise TokenRefused("no_subject", "sid is no text")


def _seconds(raw: Raw, name: str) -> int:
    value = raw.get(name)
    if type(value) is not int or not 0 <= value <= LATEST:
        raise TokenRefused("bad_times", f"{name} is missing or no whole number of seconds")
    return value
