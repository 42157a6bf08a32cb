"""The outer form of a token: three parts, a header, a signature. Nothing in it is believed before its key says so.

Stricter than the standard where leniency only helps whoever mutates tokens: exact base64url, unique keys, no header
that changes what is signed or how.
"""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

import msgspec

from appliance.edge import check_json
from appliance.foundation import InvalidInput
from appliance.identity.oidc.errors import TokenRefused

LONGEST = 16 * 1024
"""Characters of a token; web servers and proxies in front take no longer header either."""
LONGEST_HEADER = 2048
LONGEST_KID = 200
DEEPEST = 12
COMPACT = re.compile(r"([A-Za-z0-9_-]{2,})\.([A-Za-z0-9_-]{2,})\.([A-Za-z0-9_-]{2,})")
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""All of public keys: with a shared secret, whoever checks could also sign."""
FORBIDDEN = ("crit", "b64", "zip", "enc")
"""Headers that change how a token is to be read; we know none of them, so such a token is not read at all."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A token taken apart."""

    algorithm: str
    kid: str
    typ: str
    """In lower case, without `application/`; empty when the header has none."""
    content: bytes
    """What is signed."""
    signature: bytes
    payload: bytes


def looks_like_token(text: str) -> bool:
    """Whether it has a token's form; costs no parsing."""
    return len(text) <= LONGEST and COMPACT.fullmatch(text) is not None


def take_apart(token: str) -> Signed:
    """Raises TokenRefused."""
    match = COMPACT.fullmatch(token) if len(token) <= LONGEST else None
    if match is None:
        raise TokenRefused("malformed", "not three base64url parts of a bearable length")
    if len(match[1]) > LONGEST_HEADER:
        raise TokenRefused("malformed", "the header is too long")
    header = json_object(decoded(match[1]), "header")
    for name in FORBIDDEN:
        if name in header:
            raise TokenRefused("forbidden_header", name)
    algorithm, kid, typ = header.get("alg"), header.get("kid"), header.get("typ", "")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("algorithm", "not one of those that are taken")
    if not isinstance(kid, str) or not kid or len(kid) > LONGEST_KID or not kid.isprintable():
        raise TokenRefused("unknown_key", "the header names no key")
    if not isinstance(typ, str):
        raise TokenRefused("wrong_type", "typ is no text")
    return Signed(
        algorithm=algorithm,
        kid=kid,
        typ=typ.lower().removeprefix("application/"),
        content=token.rpartition(".")[0].encode("ascii"),
        signature=decoded(match[3]),
        payload=decoded(match[2]),
    )


def decoded(part: str) -> bytes:
    """Bytes of base64url as an encoder writes it: no padding, no loose bits at the end. Raises TokenRefused."""
    try:
        found = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise TokenRefused("malformed", "not base64url") from error
    if urlsafe_b64encode(found).rstrip(b"=").decode("ascii") != part:
        raise TokenRefused("malformed", "not exact base64url")
    return found


def json_object(data: bytes, what: str) -> dict[str, object]:
    """A strict JSON object: UTF-8, unique keys, bounded depth. Raises TokenRefused."""
    try:
        check_json(data, max_depth=DEEPEST)
        value = msgspec.json.decode(data)
    except (InvalidInput, msgspec.MsgspecError) as error:
        raise TokenRefused("malformed", f"the {what} is no strict JSON") from error
    if not isinstance(value, dict):
        raise TokenRefused("malformed", f"the {what} is no object")
    return value
