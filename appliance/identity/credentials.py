"""What a request brings to say who is calling: found in its raw headers, in one place, before anything else reads them.

Rule: exactly one credential a request. Two would be decided by the order of our code, so two are refused.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from appliance.foundation import NotAuthenticated
from appliance.identity.errors import CredentialsMixed
from appliance.identity.oidc.jws import looks_like_token
from appliance.identity.secrets import OPERATOR_PREFIX, read_api_key

LONGEST = 200
"""Characters; the longest credential of ours has 61."""
SESSION_PATTERN = re.compile(r"[A-Za-z0-9]{43}")
OPERATOR_PATTERN = re.compile(OPERATOR_PREFIX + r"[A-Za-z0-9]{43}")
X_API_KEY_PATH = "/v1/messages"
"""Anthropic's clients send their key as `x-api-key`; it counts for their calls and nowhere else."""

Headers = Iterable[tuple[bytes, bytes]]


class Credential(NamedTuple):
    """A credential as sent. The way belongs to it: a session's token in a header is nobody's."""

    way: Literal["bearer", "session"]
    token: str

    def digest(self) -> bytes:
        """SHA-256 of all of it: credentials that share a beginning share nothing here."""
        return hashlib.sha256(f"{self.way} {self.token}".encode()).digest()

    @property
    def is_token(self) -> bool:
        """Whether it has the form of an identity provider's token: none of ours has a dot."""
        return self.way == "bearer" and looks_like_token(self.token)

    def is_well_formed(self) -> bool:
        """Whether it can be one of ours at all; costs no query."""
        if len(self.token) > LONGEST:
            return False
        if self.way == "session":
            return SESSION_PATTERN.fullmatch(self.token) is not None
        return read_api_key(self.token) is not None or OPERATOR_PATTERN.fullmatch(self.token) is not None


def read_credential(headers: Headers, cookie_name: bytes, path: str) -> Credential | None:
    """The request's one credential; None when it has none.

    Raises:
        CredentialsMixed: more than one, of one kind or of several.
        NotAuthenticated: an Authorization header that is no bearer token.
    """
    authorization: bytes | None = None
    api_key: bytes | None = None
    session: bytes | None = None
    for name, value in headers:
        if name == b"authorization":
            authorization = _only(authorization, value)
        elif name == b"x-api-key":
            api_key = _only(api_key, value)
        elif name == b"cookie":
            for token in _session_tokens(value, cookie_name):
                session = _only(session, token)
    if (authorization is not None) + (api_key is not None) + (session is not None) > 1:
        raise CredentialsMixed("The request has more than one credential.")
    if authorization is not None:
        return Credential("bearer", _bearer_token(authorization))
    if session is not None:
        return Credential("session", session.decode("latin-1"))
    if api_key is not None and (path == X_API_KEY_PATH or path.startswith(X_API_KEY_PATH + "/")):
        return Credential("bearer", _key_only(api_key.strip().decode("latin-1")))
    return None


def _key_only(text: str) -> str:
    """In `x-api-key`, nothing but a key counts: one kind of credential has one place."""
    if "." in text:
        raise NotAuthenticated("The header 'x-api-key' holds no key.")
    return text


def _only(before: bytes | None, value: bytes) -> bytes:
    if before is not None:
        raise CredentialsMixed("The request has the same kind of credential twice.")
    return value


def _session_tokens(cookies: bytes, cookie_name: bytes) -> list[bytes]:
    if cookie_name not in cookies:
        return []
    pairs = [pair.partition(b"=") for pair in cookies.split(b";")]
    return [value.strip() for name, _, value in pairs if name.strip() == cookie_name]


def _bearer_token(value: bytes) -> str:
    scheme, _, token = value.partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token:
        raise NotAuthenticated("The Authorization header is not 'Bearer <key>'.")
    return token.decode("latin-1")
